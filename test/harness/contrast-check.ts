import type { Page } from 'playwright-core'

/** Texts with a contrast ratio below 4.5:1. */
export function faintTexts(page: Page): Promise<string[]> {
  return page.evaluate(`(() => {
    const numbers = color => color.match(/[\\d.]+/g).map(Number)
    const light = color => {
      const [r, g, b] = numbers(color).map(part => part / 255).map(p => p <= 0.04045 ? p / 12.92 : ((p + 0.055) / 1.055) ** 2.4)
      return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const ground = element => {
      for (let at = element; at; at = at.parentElement) {
        const color = getComputedStyle(at).backgroundColor
        if (numbers(color)[3] !== 0) return color
      }
      return 'rgb(255, 255, 255)'
    }
    const own = element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim())
    const faint = element => {
      const [low, high] = [light(getComputedStyle(element).color), light(ground(element))].sort((a, b) => a - b)
      return (high + 0.05) / (low + 0.05) < 4.5
    }
    return [...document.body.querySelectorAll('*')].filter(own).filter(element => element.tagName !== 'NOSCRIPT').filter(faint).map(element => element.textContent)
  })()`)
}

/** Controls without an accessible name. */
export function namelessControls(page: Page): Promise<string[]> {
  return page.evaluate(`[...document.querySelectorAll('select, button, a, input:not([type=hidden])')]
    .filter(element => !(element.labels?.[0]?.textContent ?? '').trim() && !element.ariaLabel)
    .filter(element => element.matches('select, input') || !element.innerText.trim())
    .map(element => element.outerHTML)`)
}

/** The horizontal overflow of the page in pixels. A phone widens the viewport instead of scrolling. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate('Math.max(0, document.documentElement.scrollWidth - Math.min(innerWidth, screen.width))')
}
