/** When the pressure of a resource, 0 to 1 and above, brings something about. */
export type Trigger =
  /** All at once. */
  | { readonly kind: 'threshold'; readonly resource: string; readonly value: number }
  /** Ever more from one pressure to the other. */
  | { readonly kind: 'scaled'; readonly resource: string; readonly scaling: number; readonly saturation: number };

/** How far a trigger has gone: 0 not at all, 1 all the way. */
export function triggered(trigger: Trigger, pressure: number): number {
  if (trigger.kind === 'threshold') return pressure >= trigger.value ? 1 : 0;
  const { scaling, saturation } = trigger;
  if (pressure <= scaling) return 0;
  return pressure >= saturation ? 1 : (pressure - scaling) / (saturation - scaling);
}
