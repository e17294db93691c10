/** Milliseconds since 1970. */
export interface Validity {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

const yearMs = 365 * 24 * 3_600_000;
/** For machines whose clocks are behind. */
const backdatedMs = 3_600_000;

/** What a certificate gets that is issued at this time: a year, as Cilium's, or so long. */
export function validFrom(nowMs: number, lifetimeMs = yearMs): Validity {
  return { notBeforeMs: nowMs - backdatedMs, notAfterMs: nowMs + lifetimeMs };
}

/** When a certificate is to be replaced: with a third of its life left, a year's after eight months. Cilium's chart replaces one every four months. */
export function renewalTimeMs({ notBeforeMs, notAfterMs }: Validity): number {
  return notBeforeMs + Math.floor((2 / 3) * (notAfterMs - notBeforeMs));
}

/** Whether it is to be replaced at this time. One that is not valid yet is, too: it was issued while the clock was wrong. */
export function isRenewalDue(validity: Validity, nowMs: number): boolean {
  return nowMs < validity.notBeforeMs || nowMs >= renewalTimeMs(validity);
}
