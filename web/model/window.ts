/** The newest items, each under the number of its arrival; when full the oldest goes. */
export interface Window<T> {
  readonly push: (item: T) => void;
  /** Undefined for a number that has gone or has not come. */
  readonly get: (number: number) => T | undefined;
  /** Number of the oldest item. */
  readonly first: () => number;
  /** Number that the next item gets. */
  readonly end: () => number;
  readonly [Symbol.iterator]: () => Iterator<T>;
}

export function createWindow<T>(capacity: number): Window<T> {
  const items: T[] = [];
  let end = 0;
  const first = (): number => Math.max(0, end - capacity);
  const get = (number: number): T | undefined =>
    number >= first() && number < end ? items[number % capacity] : undefined;
  return {
    push(item) {
      items[end % capacity] = item;
      end++;
    },
    get,
    first,
    end: () => end,
    *[Symbol.iterator]() {
      for (let number = first(); number < end; number++) yield items[number % capacity] as T;
    },
  };
}
