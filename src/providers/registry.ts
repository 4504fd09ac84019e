import type { Provider } from '../domain/provider.ts'
import type { ProviderModule } from './contract.ts'
import { kayle } from './kayle/index.ts'
import { personr } from './personr/index.ts'
import { rapidly } from './rapidly/index.ts'
import { verilock } from './verilock/index.ts'
import { yorlet } from './yorlet/index.ts'

export type Registry = Readonly<Record<Provider, ProviderModule>>

export const registry = {
  KAYLE: kayle,
  PERSONR: personr,
  RAPIDLY: rapidly,
  VERILOCK: verilock,
  YORLET: yorlet,
} satisfies Registry
