/** What a page tells its reader to type. */

export interface ShownCommand {
  readonly text: string
  /** False in the middle of a sentence, where a name may stand for its command. */
  readonly inBlock: boolean
}

const BLOCK_OR_QUOTE = /^( *)```(\w*)\n([\s\S]*?)^\1```$|`([^`\n]+)`/gm
const TYPED = /^([A-Z_]+=\S+ )*(sessiongraph|curl|docker|hive-gateway|kubectl|node|npm|npx|pg_dump|pg_restore|psql) \S/
const STATEMENT = /^VACUUM /

/** The commands of a page in their order: those of its shell blocks, and those that are quoted in a sentence. */
export function commandsIn(page: string, names: readonly string[]): ShownCommand[] {
  return [...page.matchAll(BLOCK_OR_QUOTE)].flatMap(([, , language = '', block, quote = '']) => {
    const texts = block === undefined ? quotedCommands(quote, names) : blockCommands(block, language)
    return texts.map(text => ({ text, inBlock: block !== undefined }))
  })
}

/** The commands for docker in the comments of a file that is for it. */
export function dockerCommandsIn(file: string): ShownCommand[] {
  return [...file.matchAll(/^#.*?(docker .*)$/gm)].map(([, text = '']) => ({ text, inBlock: true }))
}

/** `names`: the groups of our command line. `webhooks list` in a sentence is one of its commands. */
function quotedCommands(quote: string, names: readonly string[]): string[] {
  const [first = '', second = ''] = quote.split(' ')
  if (names.includes(first) && /^[a-z]+$/.test(second)) return [`sessiongraph ${quote}`]
  return TYPED.test(quote) || STATEMENT.test(quote) ? [quote] : []
}

function blockCommands(block: string, language: string): string[] {
  if (language === 'sh' || language === 'bash') return linesOf(block).flatMap(line => line.split(' && '))
  const stray = language === '' && block.split('\n').find(line => TYPED.test(line.trim()))
  if (stray) throw new Error(`A block that is not marked as sh has a command: ${stray}`)
  // `# graph.yaml: wgc router compose -i graph.yaml`: what the file below it is for.
  return [...block.matchAll(/^(?:#|\/\/) [\w.]+: ([a-z].*)$/gm)].map(([, command = '']) => command)
}

/** The lines of a block, each with those below that belong to it: behind a backslash, or inside a quote. */
function linesOf(block: string): string[] {
  const lines: string[] = []
  let open = ''
  for (const line of block
    .replace(/\\\n\s*/g, ' ')
    .replace(/ +# .*$/gm, '')
    .split('\n')) {
    const text = open ? `${open}\n${line}` : line.trim()
    open = (text.match(/'/g)?.length ?? 0) % 2 === 1 ? text : ''
    if (!open && text !== '' && !text.startsWith('#')) lines.push(text.trimEnd())
  }
  return lines
}
