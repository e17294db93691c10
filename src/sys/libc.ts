import os from 'node:os';
import koffi from 'koffi';

/** A failed system call: `code` is the errno name (`EADDRINUSE`), `syscall` what was asked. */
export class SystemCallError extends Error {
  override readonly name = 'SystemCallError';
  readonly code: string;
  readonly syscall: string;

  constructor(syscall: string, errno: number) {
    const code = Object.entries(os.constants.errno).find(([, value]) => value === errno)?.[0] ?? `errno ${errno}`;
    super(`${syscall}: ${code}`);
    this.code = code;
    this.syscall = syscall;
  }
}

const libc = koffi.load('libc.so.6');

export const native = {
  socket: libc.func('int socket(int, int, int)'),
  socketpair: libc.func('int socketpair(int, int, int, _Out_ int*)'),
  dup: libc.func('int dup(int)'),
  dup2: libc.func('int dup2(int, int)'),
  close: libc.func('int close(int)'),
  bind: libc.func('int bind(int, void*, uint32)'),
  getsockopt: libc.func('int getsockopt(int, int, int, _Out_ void*, _Inout_ uint32*)'),
  setsockopt: libc.func('int setsockopt(int, int, int, void*, uint32)'),
  send: libc.func('long send(int, void*, size_t, int)'),
  sendto: libc.func('long sendto(int, void*, size_t, int, void*, uint32)'),
  recv: libc.func('long recv(int, void*, size_t, int)'),
  recvmsg: libc.func('long recvmsg(int, void*, int)'),
  sendmsg: libc.func('long sendmsg(int, void*, int)'),
  connect: libc.func('int connect(int, void*, uint32)'),
  open: libc.func('int open(str, int)'),
  setns: libc.func('int setns(int, int)'),
  unshare: libc.func('int unshare(int)'),
  mount: libc.func('int mount(str, str, str, ulong, str)'),
  umount2: libc.func('int umount2(str, int)'),
  sethostname: libc.func('int sethostname(str, size_t)'),
  pipe2: libc.func('int pipe2(_Out_ int*, int)'),
  pivotRoot: libc.func('syscall', 'long', ['long', 'str', 'str']),
  mountSetAttributes: libc.func('syscall', 'long', ['long', 'int', 'str', 'uint', 'void*', 'size_t']),
  posix_openpt: libc.func('int posix_openpt(int)'),
  grantpt: libc.func('int grantpt(int)'),
  unlockpt: libc.func('int unlockpt(int)'),
  ptsname_r: libc.func('int ptsname_r(int, _Out_ uint8*, size_t)'),
  ioctl: libc.func('int ioctl(int, unsigned long, void*)'),
  accept4: libc.func('int accept4(int, void*, void*, int)'),
  fcntl: libc.func('int fcntl(int, int, long)'),
  ring: {
    setup: libc.func('syscall', 'long', ['long', 'uint', 'void*']),
    enter: libc.func('syscall', 'long', ['long', 'uint', 'uint', 'uint', 'uint', 'size_t', 'size_t']),
    register: libc.func('syscall', 'long', ['long', 'uint', 'uint', 'void*', 'uint']),
    mmap: libc.func('void* mmap(void*, size_t, int, int, int, long)'),
    eventfd: libc.func('int eventfd(uint, int)'),
    /** Moves nothing from the start of a buffer to the start: gives its address. */
    addressOf: libc.func('void* memmove(void*, void*, size_t)'),
  },
  malloc_trim: libc.func('int malloc_trim(size_t)'),
  madvise: libc.func('int madvise(uintptr_t, size_t, int)'),
};

export const constants = {
  AF_UNIX: 1,
  AF_INET: 2,
  AF_INET6: 10,
  AF_NETLINK: 16,
  SOCK_STREAM: 1,
  SOCK_DGRAM: 2,
  SOCK_RAW: 3,
  SOCK_NONBLOCK: 0o4000,
  SOCK_CLOEXEC: 0o2000000,
  SOL_IP: 0,
  SOL_SOCKET: 1,
  SOL_IPV6: 41,
  SOL_NETLINK: 270,
  SO_REUSEADDR: 2,
  SO_SNDBUF: 7,
  SO_RCVBUF: 8,
  SO_REUSEPORT: 15,
  SO_RCVTIMEO: 20,
  SO_RCVBUFFORCE: 33,
  SO_MARK: 36,
  IP_FREEBIND: 15,
  IP_TRANSPARENT: 19,
  IP_RECVORIGDSTADDR: 20,
  IP_BIND_ADDRESS_NO_PORT: 24,
  IPV6_TRANSPARENT: 75,
  IPV6_FREEBIND: 78,
  NETLINK_NO_ENOBUFS: 5,
  NETLINK_NETFILTER: 12,
  O_RDONLY: 0,
  O_RDWR: 2,
  O_NOCTTY: 0o400,
  O_CLOEXEC: 0o2000000,
  CLONE_FS: 0x200,
  CLONE_NEWNS: 0x20000,
  CLONE_NEWUTS: 0x4000000,
  CLONE_NEWIPC: 0x8000000,
  CLONE_NEWPID: 0x20000000,
  CLONE_NEWNET: 0x40000000,
  MS_BIND: 0x1000,
  MS_REC: 0x4000,
  MS_PRIVATE: 0x40000,
  MS_RDONLY: 1,
  MNT_DETACH: 2,
  TIOCSWINSZ: 0x5414,
  FIOCLEX: 0x5451,
} as const;

/** Throws `SystemCallError` when a call answered below zero, else gives its answer. */
export function check(result: number | bigint, syscall: string): number {
  const value = Number(result);
  if (value < 0) throw new SystemCallError(syscall, koffi.errno());
  return value;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

/** Sets an integer or raw socket option. */
export function setOption(fd: number, level: number, option: number, value: number | Uint8Array): void {
  const bytes = typeof value === 'number' ? int32(value) : value;
  check(native.setsockopt(fd, level, option, bytes, bytes.length), `setsockopt(${level}, ${option})`);
}

/** `struct sockaddr_in` or `sockaddr_in6` of a numeric address. */
export function socketAddress(address: string, port: number): Buffer {
  if (!address.includes(':')) {
    const bytes = Buffer.alloc(16);
    bytes.writeUInt16LE(constants.AF_INET, 0);
    bytes.writeUInt16BE(port, 2);
    address.split('.').forEach((part, index) => {
      bytes[4 + index] = Number(part);
    });
    return bytes;
  }
  const bytes = Buffer.alloc(28);
  bytes.writeUInt16LE(constants.AF_INET6, 0);
  bytes.writeUInt16BE(port, 2);
  ipv6Bytes(address).copy(bytes, 8);
  return bytes;
}

function ipv6Bytes(address: string): Buffer {
  const [head = '', tail] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups =
    tail === undefined ? left : [...left, ...new Array(8 - left.length - right.length).fill('0'), ...right];
  const bytes = Buffer.alloc(16);
  groups.forEach((group, index) => {
    bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2);
  });
  return bytes;
}
