const maxTenants = 10_000;

/** Counts requests of tenants in the minute that runs. */
export class Minutes {
  #minute = 0;
  readonly #counts = new Map<string, number>();

  /** How many there were with this one. */
  count(tenant: string, milliseconds: number): number {
    const minute = Math.floor(milliseconds / 60_000);
    // Clients choose the names: without a bound they would fill the memory.
    if (minute !== this.#minute || this.#counts.size >= maxTenants) this.#counts.clear();
    this.#minute = minute;
    const count = (this.#counts.get(tenant) ?? 0) + 1;
    this.#counts.set(tenant, count);
    return count;
  }
}
