import type { SandboxSession } from './sandbox-session.ts'

const WEIGHTS = {
  document_authenticity: 0.25,
  face_match: 0.2,
  liveness: 0.15,
  aml: 0.15,
  device_fingerprint: 0.15,
  data_consistency: 0.1,
} as const

/** The risk of a decided session, 0 (none) to 100, as the weighted sum of its components. */
export function toRisk(session: SandboxSession, calculatedAt: string) {
  const scores = toScores(session)
  const components = Object.entries(WEIGHTS).map(([name, weight]) => {
    const score = scores[name as keyof typeof WEIGHTS]
    return [name, { score, weight, weighted_score: Math.round(score * weight * 100) / 100, details: {} }] as const
  })
  const composite = Math.round(components.reduce((sum, [, { weighted_score }]) => sum + weighted_score, 0))
  return {
    session_id: session.id,
    composite_score: composite,
    risk_level: toLevel(composite),
    components: Object.fromEntries(components),
    calculated_at: calculatedAt,
  }
}

function toScores({ results }: SandboxSession): Record<keyof typeof WEIGHTS, number> {
  const score = (step: string, otherwise: number) => results[step]?.score ?? otherwise
  return {
    document_authenticity: results.document?.status === 'declined' ? 100 : 5,
    face_match: Math.round((1 - score('face_match', 1)) * 100),
    liveness: Math.round((1 - score('liveness', 1)) * 100),
    aml: Math.round(score('aml', 0) * 100),
    device_fingerprint: 10,
    data_consistency: 10,
  }
}

function toLevel(composite: number): string {
  if (composite <= 25) return 'low'
  if (composite <= 50) return 'medium'
  return composite <= 75 ? 'high' : 'critical'
}
