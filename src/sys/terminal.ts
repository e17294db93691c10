import { constants as c, check, native } from './libc.ts';

export interface Terminal {
  /** Master side: read and written by us, for instance through `new tty.ReadStream(master)`. Ends with EIO when the last slave closes. */
  readonly master: number;
  /** Slave side: standard input, output and error of the process; close ours after the spawn. */
  readonly slave: number;
}

/** Opens a pseudo terminal without a native add-on of its own. */
export function openTerminal(): Terminal {
  const master = check(native.posix_openpt(c.O_RDWR | c.O_NOCTTY | c.O_CLOEXEC), 'posix_openpt');
  try {
    check(native.grantpt(master), 'grantpt');
    check(native.unlockpt(master), 'unlockpt');
    const name = Buffer.alloc(128);
    check(-Math.abs(native.ptsname_r(master, name, name.length)), 'ptsname_r');
    const path = name.toString('latin1', 0, name.indexOf(0));
    return { master, slave: check(native.open(path, c.O_RDWR | c.O_NOCTTY | c.O_CLOEXEC), `open(${path})`) };
  } catch (error) {
    native.close(master);
    throw error;
  }
}

/** Tells the terminal (and the processes on it, by SIGWINCH) its new size in characters. */
export function resizeTerminal(master: number, columns: number, rows: number): void {
  const size = Buffer.alloc(8);
  size.writeUInt16LE(rows, 0);
  size.writeUInt16LE(columns, 2);
  check(native.ioctl(master, c.TIOCSWINSZ, size), 'ioctl(TIOCSWINSZ)');
}
