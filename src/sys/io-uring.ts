import koffi from 'koffi';
import { check, native, SystemCallError } from './libc.ts';

/*
 * The kernel's interface: io_uring_setup(2), io_uring_enter(2), io_uring_register(2) and linux/io_uring.h. Numbers of system calls
 * above 424 are the same on all architectures.
 */
const SETUP = 425;
const ENTER = 426;
const REGISTER = 427;

const SETUP_CQSIZE = 1 << 3;
const SETUP_SUBMIT_ALL = 1 << 7;
const SETUP_TASKRUN_FLAG = 1 << 9;
const SETUP_SINGLE_ISSUER = 1 << 12;
const SETUP_DEFER_TASKRUN = 1 << 13;
const FEATURE_BUNDLES = 1 << 14;
const ENTER_GETEVENTS = 1;
const REGISTER_EVENTFD = 4;
const REGISTER_BUFFER_RING = 22;
const OFFSET_QUEUES = 0;
const OFFSET_ENTRIES = 0x10000000;
/** Completions did not fit, or are still to be made. */
const OVERFLOW_OR_TASKRUN = (1 << 1) | (1 << 2);
const EVENTFD_DISABLED = 1;
/** EFD_NONBLOCK and EFD_CLOEXEC. */
const EVENTFD_FLAGS = 0o2004000;

const OP_ASYNC_CANCEL = 14;
const OP_SEND = 26;
const OP_RECV = 27;
const BUFFER_SELECT = 1 << 5;
const SKIP_SUCCESS = 1 << 6;
/** IORING_ASYNC_CANCEL_ALL and IORING_ASYNC_CANCEL_ANY. */
const CANCEL_EVERY = 1 | (1 << 2);
const RECV_MULTISHOT = 1 << 1;
const RECV_BUNDLE = 1 << 4;
const MSG_NOSIGNAL = 0x4000;
/** A completion of a receive that stays armed. */
export const MORE = 1 << 1;

const PROT_READ_WRITE = 3;
const MAP_SHARED_POPULATE = 0x8001;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const PARAMETERS_SIZE = 120;
const ENTRY_WORDS = 16;
const COMPLETION_WORDS = 4;
const HIGH = 0x1_0000_0000;

const EINTR = 4;
const EAGAIN = 11;
const EBUSY = 16;
const SUBMIT_TRIES = 100;

const { setup, enter, register, mmap, eventfd } = native.ring;

/** How much a ring holds; all are powers of two. */
export interface RingSize {
  /** Requests that wait for the next `enter`. */
  readonly entries: number;
  readonly completions: number;
  /** Buffers that received bytes are put into, and bytes of each. */
  readonly buffers: number;
  readonly bufferSize: number;
}

/**
 * Takes a completion: the request's key, the result (bytes, or a negative errno) and the flags, whose upper half is the buffer that
 * received bytes begin in.
 */
export type OnCompletion = (key: number, result: number, flags: number) => void;

/**
 * One io_uring of the calling thread, which alone may use it: requests to receive and send are queued in memory and many of them cost
 * one system call. Completions are only made inside `enter`; `eventDescriptor` becomes readable when there are some to be made, unless
 * `hushed`.
 */
export class Ring {
  /** Received bytes, buffer after buffer. */
  readonly buffers: Buffer;
  readonly eventDescriptor: number;
  readonly #descriptor: number;
  readonly #size: RingSize;
  readonly #bundles: boolean;
  readonly #queues: Int32Array;
  readonly #entries: Uint32Array;
  readonly #given: Uint32Array;
  readonly #givenTail: Uint16Array;
  readonly #bufferAddress: number;
  readonly #at: QueueOffsets;
  #tail: number;
  #buffersGiven = 0;
  /** For each buffer the one that was given back after it. Completions need not come in the order in which buffers were filled. */
  readonly #after: Uint16Array;
  #lastGiven = 0;

  /** `parameters` as io_uring_setup(2) filled them for `descriptor`, which becomes the ring's. */
  constructor(size: RingSize, descriptor: number, parameters: Buffer) {
    this.#size = size;
    this.#descriptor = descriptor;
    this.#bundles = (parameters.readUInt32LE(20) & FEATURE_BUNDLES) !== 0;
    this.#at = queueOffsets(parameters);
    const queues = map(this.#at.bytes, descriptor, OFFSET_QUEUES);
    const entries = map(size.entries * ENTRY_WORDS * 4, descriptor, OFFSET_ENTRIES);
    const buffers = map(size.buffers * size.bufferSize);
    const given = map(size.buffers * 16);
    this.#queues = new Int32Array(queues.memory);
    this.#entries = new Uint32Array(entries.memory);
    this.buffers = Buffer.from(buffers.memory);
    this.#bufferAddress = buffers.address;
    this.#given = new Uint32Array(given.memory);
    this.#givenTail = new Uint16Array(given.memory);
    this.#after = new Uint16Array(size.buffers);
    this.#tail = this.#queues[this.#at.submitTail] as number;
    for (let at = 0; at < size.entries; at++) this.#queues[this.#at.submitArray + at] = at;
    this.#registerBuffers(given.address);
    this.eventDescriptor = check(eventfd(0, EVENTFD_FLAGS), 'eventfd');
    const registration = Buffer.alloc(4);
    registration.writeInt32LE(this.eventDescriptor);
    check(register(REGISTER, descriptor, REGISTER_EVENTFD, registration, 1), 'io_uring_register');
  }

  #registerBuffers(address: number): void {
    const registration = Buffer.alloc(40);
    registration.writeBigUInt64LE(BigInt(address), 0);
    registration.writeUInt32LE(this.#size.buffers, 8);
    check(register(REGISTER, this.#descriptor, REGISTER_BUFFER_RING, registration, 1), 'io_uring_register');
    for (let buffer = 0; buffer < this.#size.buffers; buffer++) this.giveBack(buffer);
    this.publishBuffers();
  }

  /** Requests that the kernel has not been told of. */
  get queued(): number {
    return (this.#tail - (this.#queues[this.#at.submitHead] as number)) | 0;
  }

  /**
   * Receives into buffers until a completion comes without `MORE`: at most `most` bytes at a time, or 0 for as many as the kernel sees fit.
   * Without a number it goes by how much the last receipt left over, and so comes one buffer short whenever messages are alike.
   */
  receive(descriptor: number, key: number, most: number): void {
    const at = this.#entry();
    const priority = this.#bundles ? RECV_MULTISHOT | RECV_BUNDLE : RECV_MULTISHOT;
    this.#entries[at] = OP_RECV | (BUFFER_SELECT << 8) | (priority << 16);
    this.#entries[at + 1] = descriptor;
    this.#finish(at, 0, this.#bundles ? most : 0, 0, key);
  }

  /** Sends from memory that stays as it is until the completion. */
  send(descriptor: number, address: number, length: number, key: number): void {
    const at = this.#entry();
    this.#entries[at] = OP_SEND;
    this.#entries[at + 1] = descriptor;
    this.#finish(at, address, length, MSG_NOSIGNAL, key);
  }

  /** Ends the request of that key, which completes with ECANCELED. A completion of key 0 says that there is none. */
  cancel(key: number): void {
    const at = this.#entry();
    this.#entries[at] = OP_ASYNC_CANCEL | (SKIP_SUCCESS << 8);
    this.#entries[at + 1] = -1;
    this.#finish(at, key, 0, 0, 0);
  }

  #entry(): number {
    if (this.queued === this.#size.entries) this.submit();
    return (this.#tail & (this.#size.entries - 1)) * ENTRY_WORDS;
  }

  /** Words that no request uses stay zero. */
  #finish(at: number, address: number, length: number, flags: number, key: number): void {
    const entries = this.#entries;
    entries[at + 4] = address >>> 0;
    entries[at + 5] = (address / HIGH) >>> 0;
    entries[at + 6] = length;
    entries[at + 7] = flags;
    entries[at + 8] = key;
    this.#tail = (this.#tail + 1) | 0;
  }

  /** Hands over what is queued. Completions wait for `enter`. */
  submit(): void {
    for (let tries = 0; this.queued > 0; tries++) {
      if (tries === SUBMIT_TRIES) throw new SystemCallError('io_uring_enter', EBUSY);
      // A kernel that has no room left for completions makes some with this.
      this.#enter(tries === 0 ? 0 : ENTER_GETEVENTS);
    }
  }

  /** Hands over what is queued and makes the completions that are due. */
  enter(): void {
    this.#enter(ENTER_GETEVENTS);
  }

  #enter(flags: number): void {
    this.#queues[this.#at.submitTail] = this.#tail;
    const result = Number(enter(ENTER, this.#descriptor, this.queued, 0, flags, 0, 0));
    if (result >= 0) return;
    const errno = koffi.errno();
    // The kernel wants completions to be taken first, or was interrupted: what is queued stays so.
    if (errno !== EINTR && errno !== EAGAIN && errno !== EBUSY) throw new SystemCallError('io_uring_enter', errno);
  }

  /** Whether `enter` would make or `takeCompletions` would find completions. */
  get due(): boolean {
    const { completeHead, completeTail, submitFlags } = this.#at;
    const queues = this.#queues;
    return (
      queues[completeHead] !== queues[completeTail] || ((queues[submitFlags] as number) & OVERFLOW_OR_TASKRUN) !== 0
    );
  }

  /** Without the event descriptor, while somebody looks at `due` anyhow. */
  hush(hushed: boolean): void {
    // What is looked at afterwards must not be older than this: the kernel sets its flag, then looks at ours.
    Atomics.store(this.#queues, this.#at.completeFlags, hushed ? EVENTFD_DISABLED : 0);
  }

  /** Hands every completion to `take`, each once, also when `take` throws. */
  takeCompletions(take: OnCompletion): void {
    const queues = this.#queues;
    const { completeHead, completeTail, completions } = this.#at;
    const mask = this.#size.completions - 1;
    const tail = queues[completeTail] as number;
    for (let head = queues[completeHead] as number; head !== tail; ) {
      const at = completions + (head & mask) * COMPLETION_WORDS;
      head = (head + 1) | 0;
      queues[completeHead] = head;
      // The place may be written again from here on, but not before the next `enter`.
      take(queues[at] as number, queues[at + 2] as number, queues[at + 3] as number);
    }
  }

  /** The buffer that bytes go on in where they do not fit into `buffer`: the one that was given back after it. */
  bufferAfter(buffer: number): number {
    return this.#after[buffer] as number;
  }

  /** Makes a buffer free again. */
  giveBack(buffer: number): void {
    const { buffers, bufferSize } = this.#size;
    const at = (this.#buffersGiven & (buffers - 1)) * 4;
    const address = this.#bufferAddress + buffer * bufferSize;
    this.#given[at] = address >>> 0;
    this.#given[at + 1] = (address / HIGH) >>> 0;
    this.#given[at + 2] = bufferSize;
    this.#givenTail[at * 2 + 6] = buffer;
    this.#buffersGiven = (this.#buffersGiven + 1) & 0xffff;
    this.#after[this.#lastGiven] = buffer;
    this.#lastGiven = buffer;
  }

  /** Lets the kernel have what was given back. */
  publishBuffers(): void {
    this.#givenTail[7] = this.#buffersGiven;
  }

  /** Ends all that is under way, and with it the kernel's hold on its sockets. Closing the descriptor would not, since the mappings hold the ring. */
  cancelAll(): void {
    const at = this.#entry();
    this.#entries[at] = OP_ASYNC_CANCEL;
    this.#entries[at + 1] = -1;
    this.#finish(at, 0, 0, CANCEL_EVERY, 0);
    this.submit();
    this.enter();
  }
}

/** A ring of the calling thread, for as long as the process lives. Throws `SystemCallError` where kernel (6.1 or later) or its administrator has none. */
export function openRing(size: RingSize): Ring {
  const parameters = Buffer.alloc(PARAMETERS_SIZE);
  parameters.writeUInt32LE(size.completions, 4);
  parameters.writeUInt32LE(
    SETUP_CQSIZE | SETUP_SUBMIT_ALL | SETUP_TASKRUN_FLAG | SETUP_SINGLE_ISSUER | SETUP_DEFER_TASKRUN,
    8,
  );
  const descriptor = check(setup(SETUP, size.entries, parameters), 'io_uring_setup');
  try {
    return new Ring(size, descriptor, parameters);
  } catch (error) {
    native.close(descriptor);
    throw error;
  }
}

/** Where the memory of a buffer begins, which does not move for as long as it lives. */
export function addressOf(bytes: Uint8Array): number {
  return Number(koffi.address(native.ring.addressOf(bytes, bytes, 0)));
}

interface QueueOffsets {
  /** Length of the mapping of both queues; the others are indices of 32-bit words in it. */
  readonly bytes: number;
  readonly submitHead: number;
  readonly submitTail: number;
  readonly submitFlags: number;
  readonly submitArray: number;
  readonly completeHead: number;
  readonly completeTail: number;
  readonly completeFlags: number;
  readonly completions: number;
}

function queueOffsets(parameters: Buffer): QueueOffsets {
  const bytesAt = (offset: number): number => parameters.readUInt32LE(offset);
  const wordAt = (offset: number): number => bytesAt(offset) >> 2;
  const entries = bytesAt(0);
  const completions = bytesAt(4);
  return {
    bytes: Math.max(bytesAt(64) + entries * 4, bytesAt(100) + completions * COMPLETION_WORDS * 4),
    submitHead: wordAt(40),
    submitTail: wordAt(44),
    submitFlags: wordAt(56),
    submitArray: wordAt(64),
    completeHead: wordAt(80),
    completeTail: wordAt(84),
    completeFlags: wordAt(104),
    completions: wordAt(100),
  };
}

interface Mapping {
  readonly address: number;
  readonly memory: ArrayBuffer;
}

function map(bytes: number, descriptor = -1, offset = 0): Mapping {
  const flags = descriptor < 0 ? MAP_PRIVATE_ANONYMOUS : MAP_SHARED_POPULATE;
  const pointer: unknown = mmap(null, bytes, PROT_READ_WRITE, flags, descriptor, offset);
  const address = Number(koffi.address(pointer));
  if (address < 0 || address === 0 || address > Number.MAX_SAFE_INTEGER)
    throw new SystemCallError('mmap', koffi.errno());
  return { address, memory: koffi.view(pointer, bytes) };
}
