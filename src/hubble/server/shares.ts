/** A number of places, taken by holders one at a time. */
export interface Shares {
  /** Takes a place for a holder; false, and none taken, when it has its share. */
  readonly enter: (holder: string) => boolean;
  /** Gives a place back that the holder has taken. */
  readonly leave: (holder: string) => void;
}

/** Places that only one holder gets. */
export interface Reserve {
  readonly holder: string;
  readonly places: number;
}

/**
 * Shares places among holders who come unforeseen: a holder gets another one as long as it has fewer than are free. One alone gets half of them, and another
 * then half of the rest, so that nobody, however greedy, leaves none to those who come later (dynamic thresholds, Choudhury and Hahne 1998). Many greedy ones
 * together do; those of a reserve are left even then. They are among `places`, and its holder takes them first.
 */
export function createShares(places: number, reserve?: Reserve): Shares {
  const taken = new Map<string, number>();
  const common = places - (reserve?.places ?? 0);
  let all = 0;
  const reservedFor = (holder: string): number => (holder === reserve?.holder ? reserve.places : 0);
  return {
    enter(holder) {
      const own = taken.get(holder) ?? 0;
      const ofCommon = own - reservedFor(holder);
      if (ofCommon >= 0) {
        if (ofCommon >= common - all) return false;
        all++;
      }
      taken.set(holder, own + 1);
      return true;
    },
    leave(holder) {
      const own = taken.get(holder);
      if (own === undefined) return;
      if (own > reservedFor(holder)) all--;
      if (own > 1) taken.set(holder, own - 1);
      else taken.delete(holder);
    },
  };
}
