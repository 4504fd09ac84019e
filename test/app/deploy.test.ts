import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { envVarName, loadConfig, SERVER_SETTINGS } from '../../src/app/config.ts'
import { packageRoot } from '../../src/app/package.ts'
import type { ProviderModule } from '../../src/providers/contract.ts'
import { registry } from '../../src/providers/registry.ts'
import { findFreePort } from '../harness/app/server-process.ts'
import { startApp } from '../harness/app/test-app.ts'

/**
 * Checks that the files of deploy/ parse, and that their names, ports, paths and times are those of the server. They
 * are not run on a cluster or a container engine.
 */

const DEPLOY = join(packageRoot(), 'deploy')
const read = (file: string) => readFileSync(join(DEPLOY, file), 'utf8')
// biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of what it reads
type Parsed = any
const parse = (file: string): Parsed[] =>
  parseAllDocuments(read(file), { strict: true, uniqueKeys: true, merge: true }).map(document => {
    expect([file, document.errors, document.warnings]).toEqual([file, [], []])
    return document.toJS()
  })

const modules: readonly ProviderModule[] = Object.values(registry)
const PORT = loadConfig({}, modules).server.PORT
const KNOWN = new Set([
  ...SERVER_SETTINGS,
  ...modules.flatMap(({ provider, settings }) => Object.keys(settings.shape).map(name => envVarName(provider, name))),
])
const LABELS = { 'app.kubernetes.io/name': 'sessiongraph' }

const manifests = readdirSync(join(DEPLOY, 'kubernetes')).sort()
const byKind = new Map(
  manifests.flatMap(file => parse(`kubernetes/${file}`)).map(manifest => [manifest.kind as string, manifest]),
)
const kind = (name: string) => byKind.get(name)
const pod = () => kind('Deployment').spec.template.spec
const container = () => pod().containers[0]
const compose = () => parse('docker-compose.yml')[0]

describe('the Kubernetes manifests', () => {
  test('are one of each kind, with current API versions', () => {
    const versions = [...byKind].map(([kind, { apiVersion }]) => [kind, apiVersion])

    expect(manifests).toHaveLength(byKind.size)
    expect(Object.fromEntries(versions)).toEqual({
      ConfigMap: 'v1',
      Deployment: 'apps/v1',
      HorizontalPodAutoscaler: 'autoscaling/v2',
      NetworkPolicy: 'networking.k8s.io/v1',
      PodDisruptionBudget: 'policy/v1',
      Secret: 'v1',
      Service: 'v1',
    })
    for (const { metadata } of byKind.values()) expect(metadata.name).toBe('sessiongraph')
  })

  test('select the same pods', () => {
    const { spec } = kind('Deployment')
    expect(spec.template.metadata.labels).toEqual(LABELS)
    expect(spec.selector.matchLabels).toEqual(LABELS)
    expect(kind('Service').spec.selector).toEqual(LABELS)
    expect(kind('PodDisruptionBudget').spec.selector.matchLabels).toEqual(LABELS)
    expect(kind('NetworkPolicy').spec.podSelector.matchLabels).toEqual(LABELS)
    expect(pod().topologySpreadConstraints[0].labelSelector.matchLabels).toEqual(LABELS)
    expect(kind('HorizontalPodAutoscaler').spec.scaleTargetRef).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      name: kind('Deployment').metadata.name,
    })
  })

  test('use the port that the server listens at', () => {
    const { ports, envFrom } = container()
    expect(ports).toEqual([{ name: 'http', containerPort: Number(kind('ConfigMap').data.PORT) }])
    expect(kind('Service').spec.ports[0].targetPort).toBe('http')
    expect(kind('NetworkPolicy').spec.ingress[0].ports[0].port).toBe('http')
    expect(envFrom).toEqual([{ configMapRef: { name: 'sessiongraph' } }, { secretRef: { name: 'sessiongraph' } }])
  })

  test('have settings that are valid in production', () => {
    const env = { ...kind('ConfigMap').data, ...kind('Secret').stringData }
    for (const [name, value] of Object.entries(env)) {
      expect(KNOWN, name).toContain(name)
      expect(typeof value, name).toBe('string')
    }
    expect(loadConfig(env, modules).server).toMatchObject({ NODE_ENV: 'production', HOST: '0.0.0.0', PORT })
  })

  test('run at least as many instances as must be available', () => {
    const { minReplicas, maxReplicas } = kind('HorizontalPodAutoscaler').spec
    expect(kind('Deployment').spec.replicas).toBe(minReplicas)
    expect(kind('PodDisruptionBudget').spec.minAvailable).toBeLessThan(minReplicas)
    expect(maxReplicas).toBeGreaterThan(minReplicas)
    expect(kind('Deployment').spec.strategy.rollingUpdate).toEqual({ maxUnavailable: 0, maxSurge: 1 })
  })

  test('grant the termination period that graceful shutdown needs', () => {
    const { terminationGracePeriodSeconds } = pod()
    const preStop = Number(container().lifecycle.preStop.exec.command[1])
    expect(terminationGracePeriodSeconds).toBeGreaterThanOrEqual(preStop + 15)
  })

  test('allow the server process no other privileges', () => {
    expect(pod()).toMatchObject({ automountServiceAccountToken: false, securityContext: { runAsNonRoot: true } })
    expect(container().securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    expect(container().resources).toMatchObject({
      requests: { memory: expect.any(String) },
      limits: { memory: expect.any(String) },
    })
    expect(kind('NetworkPolicy').spec.policyTypes).toEqual(['Ingress', 'Egress'])
  })

  test('contain no valid secret', () => {
    const { stringData } = kind('Secret')
    expect(stringData.ENCRYPTION_KEY).toMatch(/^0{64}$/)
    expect(Object.keys(kind('ConfigMap').data).filter(name => /KEY|SECRET|PASSWORD|URL/.test(name))).toEqual([])
  })
})

test('probes and health checks receive a response', async () => {
  const requests = ['startupProbe', 'livenessProbe', 'readinessProbe'].map(probe => container()[probe].httpGet)
  expect(requests.map(({ path, port }) => [path, port])).toEqual([
    ['/livez', 'http'],
    ['/livez', 'http'],
    ['/readyz', 'http'],
  ])
  const app = await startApp({}, { jobs: false })
  for (const { path } of requests) expect((await fetch(new URL(path, app.url))).status).toBe(200)
  await app.close()
})

describe('the compose file', () => {
  const instances = () => Object.entries<Parsed>(compose().services).filter(([name]) => name.startsWith('app-'))

  test('runs three identical instances, with settings that are valid in production', () => {
    expect(instances().map(([name]) => name)).toEqual(['app-1', 'app-2', 'app-3'])
    const [first, ...others] = instances().map(([, service]) => service)
    for (const other of others) expect(other).toEqual(first)
    const given: Record<string, string> = { POSTGRES_PASSWORD: 'password', ENCRYPTION_KEY: '01'.repeat(32) }
    const env = Object.fromEntries(
      Object.entries<string>(first.environment).map(([name, value]) => {
        expect(KNOWN, name).toContain(name)
        return [name, value.replace(/\$\{(\w+)(:[?-])?\}/g, (_, variable: string) => given[variable] ?? '')]
      }),
    )
    expect(loadConfig(env, modules).server).toMatchObject({ NODE_ENV: 'production', PORT })
  })

  test('defines each service that it refers to, with pinned image versions', () => {
    const { services } = compose()
    const [, instance] = instances()[0] as [string, Parsed]
    const env = instance.environment
    for (const name of [new URL(env.REDIS_URL).hostname, 'postgres']) expect(Object.keys(services)).toContain(name)
    expect(env.DATABASE_URL).toContain('@postgres:5432/')
    expect(Object.keys(instance.depends_on)).toEqual(['postgres', 'redis'])
    for (const name of Object.keys(instance.depends_on)) expect(services[name].healthcheck.test).toBeDefined()
    const foreign = Object.values<Parsed>(services).flatMap(({ image, build }) => (build ? [] : [image]))
    for (const image of foreign) expect(image).toMatch(/^[a-z]+:\d+\.\d+(\.\d+)?-[a-z]+$/)
    expect(existsSync(join(DEPLOY, instance.build.context, instance.build.dockerfile))).toBe(true)
  })

  test('grants an instance the stop period that graceful shutdown needs', () => {
    for (const [, service] of instances()) expect(Number.parseInt(service.stop_grace_period, 10)).toBeGreaterThan(15)
  })

  test('balances between its instances, and does not buffer streams', () => {
    const conf = read('nginx.conf')
    const servers = [...conf.matchAll(/^\s*server (\S+):(\d+) /gm)].map(([, name, port]) => [name, Number(port)])
    expect(servers).toEqual(instances().map(([name]) => [name, PORT]))
    expect(conf).toMatch(/proxy_buffering off;/)
    expect(conf).toMatch(/proxy_next_upstream error http_503 non_idempotent;/)
    expect(conf.match(/\{/g)?.length).toBe(conf.match(/\}/g)?.length)
    const [, published] = /^(?:\d+):(\d+)$/.exec(compose().services.balancer.ports[0]) ?? []
    expect(conf).toContain(`listen ${published};`)
    const retainedSeconds = Number(/keepalive_timeout (\d+)s;/.exec(conf)?.[1])
    expect(retainedSeconds * 1000).toBeLessThan(loadConfig({}, modules).server.KEEP_ALIVE_TIMEOUT_MS)
  })
})

describe('the Dockerfile', () => {
  /** The instructions, with continued lines joined. */
  const instructions = read('Dockerfile')
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter(line => line.trim() !== '')
  const of = (name: string) => instructions.filter(line => line.startsWith(`${name} `))
  const last = instructions.slice(instructions.findLastIndex(line => line.startsWith('FROM ')))
  const names = ['CMD', 'COPY', 'ENV', 'EXPOSE', 'FROM', 'HEALTHCHECK', 'RUN', 'STOPSIGNAL', 'USER', 'WORKDIR']

  test('has only instructions that docker knows, each of them explicit', () => {
    for (const line of instructions) expect(names).toContain(line.split(' ', 1)[0])
  })

  test('builds in one stage and runs in another, of the same pinned image', () => {
    const images = of('FROM').map(line => line.split(' ')[1])
    expect(images).toHaveLength(2)
    expect(new Set(images).size).toBe(1)
    expect(images[0]).toMatch(/^node:24\.\d+\.\d+-alpine$/)
  })

  test('runs as an unprivileged user, without development dependencies', () => {
    expect(last.filter(line => line.startsWith('USER '))).toEqual(['USER node'])
    expect(last.filter(line => line.startsWith('COPY '))).toEqual(['COPY --from=build /runtime ./'])
    expect(last.some(line => line.startsWith('RUN '))).toBe(false)
    expect(last).toContain('ENV NODE_ENV=production HOST=0.0.0.0 PORT=4000')
  })

  test('copies files that exist or are built', () => {
    const ignored = read('Dockerfile.dockerignore').split('\n')
    const copied = of('COPY').filter(line => !line.includes('--from='))
    for (const line of copied) {
      for (const path of line.split(' ').slice(1, -1)) {
        expect(existsSync(join(packageRoot(), path)), path).toBe(true)
        expect(ignored, path).toContain(`!${path}`)
      }
    }
    const { bin } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8'))
    expect(copied).toContain(`COPY ${bin.sessiongraph.split('/')[0]} ./bin`)
    expect(last).toContain('CMD ["node", "--max-semi-space-size=32", "dist/src/main.js"]')
  })

  test('stops the server by the signal that starts its shutdown, and checks its liveness', () => {
    expect(of('STOPSIGNAL')).toEqual(['STOPSIGNAL SIGTERM'])
    const [check = ''] = of('HEALTHCHECK')
    const [, command = ''] = /CMD (\[.*\])$/.exec(check) ?? []
    const [node, flag, script] = JSON.parse(command)
    expect([node, flag]).toEqual(['node', '-e'])
    expect(script).toContain('/livez')
    expect(of('EXPOSE')).toEqual([`EXPOSE ${PORT}`])
  })

  test('its steps give a server that another user runs from a read-only folder', async () => {
    const scratch = mkdtempSync(join(tmpdir(), 'sessiongraph-image-'))
    onTestFinished(() => {
      execFileSync('chmod', ['-R', 'u+w', scratch])
      rmSync(scratch, { recursive: true })
    })
    const [app, runtime] = [join(scratch, 'app'), join(scratch, 'runtime')]
    const copied = of('COPY').filter(line => !line.includes('--from='))
    for (const path of copied.flatMap(line => line.split(' ').slice(1, -1))) {
      const filter = (from: string) => !from.endsWith('/node_modules')
      cpSync(join(packageRoot(), path), join(app, path), { recursive: true, filter })
    }
    symlinkSync(join(packageRoot(), 'node_modules'), join(app, 'node_modules'))
    const [, steps = ''] = /RUN (npm run build && .*)/.exec(of('RUN').join('\n')) ?? []
    execFileSync('sh', ['-ec', steps.replace(' /runtime', ` ${runtime}`)], { cwd: app, stdio: 'ignore' })
    execFileSync('chmod', ['-R', 'a-w,a+rX', scratch])

    const port = await findFreePort()
    const env = { ...PRODUCTION, PATH: process.env.PATH, HOST: '0.0.0.0', PORT: String(port) }
    const asOtherUser = process.getuid?.() === 0 ? { uid: OTHER_USER, gid: OTHER_USER } : {}
    const server = spawn('node', ['dist/src/main.js'], { cwd: runtime, env, stdio: 'ignore', ...asOtherUser })
    onTestFinished(() => void server.kill('SIGKILL'))
    await expect.poll(() => isLive(port), { timeout: 30_000 }).toBe(true)
    const [, check = ''] = /CMD (\[.*\])$/.exec(of('HEALTHCHECK')[0] ?? '') ?? []
    const [command, ...args] = JSON.parse(check)
    expect(execFileSync(command, args, { env, encoding: 'utf8' })).toBe('')
    const page = await fetch(`http://127.0.0.1:${port}/console`)
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    const ended = once(server, 'exit')
    server.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
    expect(megabytesOf(runtime)).toBeLessThan(60)
  }, 120_000)
})

const PRODUCTION = { NODE_ENV: 'production', DATABASE_URL: 'sqlite::memory:', ENCRYPTION_KEY: 'ab'.repeat(32) }
const OTHER_USER = 65_534

async function isLive(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/livez`).then(
    ({ ok }) => ok,
    () => false,
  )
}

function megabytesOf(folder: string): number {
  return Number(execFileSync('du', ['-sm', folder], { encoding: 'utf8' }).split('\t')[0])
}
