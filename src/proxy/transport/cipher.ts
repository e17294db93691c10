import type { Arena } from './outbox.ts';

/** What `open` says where it has no bytes. */
export const CIPHER = {
  /** More must come first. */
  waits: 0,
  /** The other side will send nothing more. */
  ended: -1,
  /** What came cannot be decrypted. */
  broken: -2,
} as const;

/** What encrypts and decrypts the bytes of one connection, within its calls alone: what many connections share holds nothing between them. */
export interface Cipher {
  /** Where `open` puts what it has decrypted. */
  readonly plain: Buffer;
  /** Takes what came. `open` is called next, until it has nothing more, or `keep`. */
  feed(bytes: Buffer, length: number): void;
  /** The length of the next decrypted piece, or one of `CIPHER`. */
  open(): number;
  /** Whether something that came is not decrypted yet. */
  readonly pending: boolean;
  /** Keeps what is not decrypted until `restore`. */
  keep(): void;
  /** Whether anything is kept. */
  readonly holds: boolean;
  /** Takes what was kept as if it came now. */
  restore(): void;
  /** What decrypting made that the other side is to get; good until the next call. */
  output(): Buffer | undefined;
  /** Encrypts what stands in the arena; where it ends in `into`, which has room for it; negative: it cannot. */
  seal(from: Arena, start: number, stop: number, into: Arena): number;
  /** Writes what tells the other side that nothing more comes; where it ends in `into`. */
  sealEnd(into: Arena): number;
  /** Lets go of everything; no other call does anything afterwards. */
  close(): void;
}

/** The most that so many bytes become. */
export const sealedLength = (bytes: number): number => bytes + 1024 * (2 + Math.ceil(bytes / 16_384));
