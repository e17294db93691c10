/** A number of places, taken by holders one at a time. */
export interface Shares {
  /** Takes a place for a holder; false, and none taken, when it has its share. */
  readonly enter: (holder: string) => boolean;
  /** Gives a place back that the holder has taken. */
  readonly leave: (holder: string) => void;
}

/**
 * Shares places among holders who come unforeseen: a holder gets another one as long as it has fewer than are free. One alone gets half of them, and another
 * then half of the rest, so that nobody, however greedy, leaves none to those who come later (dynamic thresholds, Choudhury and Hahne 1998).
 */
export function createShares(places: number): Shares {
  const taken = new Map<string, number>();
  let all = 0;
  return {
    enter(holder) {
      const own = taken.get(holder) ?? 0;
      if (own >= places - all) return false;
      taken.set(holder, own + 1);
      all++;
      return true;
    },
    leave(holder) {
      const own = taken.get(holder);
      if (own === undefined) return;
      all--;
      if (own > 1) taken.set(holder, own - 1);
      else taken.delete(holder);
    },
  };
}
