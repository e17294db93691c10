const SIZE = 624;
const SHIFT = 397;

/** The 32-bit Mersenne Twister (`std::mt19937`): the same seed gives the same numbers as in C++. */
export function mersenneTwister(seed: number): () => number {
  const state = new Uint32Array(SIZE);
  state[0] = seed;
  for (let index = 1; index < SIZE; index++) {
    const before = state[index - 1] as number;
    state[index] = Math.imul(1_812_433_253, before ^ (before >>> 30)) + index;
  }
  let next = SIZE;
  return () => {
    if (next === SIZE) {
      twist(state);
      next = 0;
    }
    let value = state[next++] as number;
    value ^= value >>> 11;
    value ^= (value << 7) & 0x9d2c5680;
    value ^= (value << 15) & 0xefc60000;
    return (value ^ (value >>> 18)) >>> 0;
  };
}

function twist(state: Uint32Array): void {
  for (let index = 0; index < SIZE; index++) {
    const joined = ((state[index] as number) & 0x80000000) | ((state[(index + 1) % SIZE] as number) & 0x7fffffff);
    const other = state[(index + SHIFT) % SIZE] as number;
    state[index] = other ^ (joined >>> 1) ^ ((joined & 1) === 0 ? 0 : 0x9908b0df);
  }
}
