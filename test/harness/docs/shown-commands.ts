/** The commands in a page. */

export interface ShownCommand {
  readonly text: string
  /** False inside a sentence, where a name may be short for the whole command. */
  readonly inBlock: boolean
}

const BLOCK_OR_QUOTE = /^( *)```(\w*)\n([\s\S]*?)^\1```$|`([^`\n]+)`/gm
const TYPED = /^([A-Z_]+=\S+ )*(sessiongraph|curl|docker|hive-gateway|kubectl|node|npm|npx|pg_dump|pg_restore|psql) \S/
const STATEMENT = /^VACUUM /

/** The commands of a page in order, from shell blocks and from backticks in sentences. */
export function commandsIn(page: string, names: readonly string[]): ShownCommand[] {
  return [...page.matchAll(BLOCK_OR_QUOTE)].flatMap(([, , language = '', block, quote = '']) => {
    const texts = block === undefined ? quotedCommands(quote, names) : blockCommands(block, language)
    return texts.map(text => ({ text, inBlock: block !== undefined }))
  })
}

/** The docker commands in the comments of a Docker file. */
export function dockerCommandsIn(file: string): ShownCommand[] {
  return [...file.matchAll(/^#.*?(docker .*)$/gm)].map(([, text = '']) => ({ text, inBlock: true }))
}

/** `names`: the command groups of our command line, so that `webhooks list` in a sentence counts as a command. */
function quotedCommands(quote: string, names: readonly string[]): string[] {
  const [first = '', second = ''] = quote.split(' ')
  if (names.includes(first) && /^[a-z]+$/.test(second)) return [`sessiongraph ${quote}`]
  return TYPED.test(quote) || STATEMENT.test(quote) ? [quote] : []
}

function blockCommands(block: string, language: string): string[] {
  if (language === 'sh' || language === 'bash') return linesOf(block).flatMap(line => line.split(' && '))
  const stray = language === '' && block.split('\n').find(line => TYPED.test(line.trim()))
  if (stray) throw new Error(`A block that is not marked as sh has a command: ${stray}`)
  // `# graph.yaml: wgc router compose -i graph.yaml` shows how the file below it is used.
  return [...block.matchAll(/^(?:#|\/\/) [\w.]+: ([a-z].*)$/gm)].map(([, command = '']) => command)
}

/** The logical lines of a block: a backslash or an open quote continues a line. */
function linesOf(block: string): string[] {
  const lines: string[] = []
  let open = ''
  for (const line of block
    .replace(/ *\\\n\s*/g, ' ')
    .replace(/ +# .*$/gm, '')
    .split('\n')) {
    const text = open ? `${open}\n${line}` : line.trim()
    open = (text.match(/'/g)?.length ?? 0) % 2 === 1 ? text : ''
    if (!open && text !== '' && !text.startsWith('#')) lines.push(text.trimEnd())
  }
  return lines
}
