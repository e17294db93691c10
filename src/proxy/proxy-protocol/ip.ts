import { formatIp, parseIp } from '../../base/index.ts';

/** An IPv4 (4 bytes) or IPv6 (16 bytes) address as `inet_ntop` prints it, which ends IPv4 that is embedded in IPv6 with dots. */
export function textOfIp(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  const mapped = bytes.readUInt16BE(10) === 0xffff;
  const embeds =
    isZero(bytes.subarray(0, 10)) && (mapped || (isZero(bytes.subarray(10, 12)) && !isZero(bytes.subarray(12, 14))));
  if (embeds) return `${mapped ? '::ffff:' : '::'}${bytes.subarray(12).join('.')}`;
  return formatIp({ bits: 128, address: BigInt(`0x${bytes.toString('hex')}`) });
}

/** 4 or 16 bytes; undefined for what is no address, or one with a scope. */
export function bytesOfIp(text: string): Buffer | undefined {
  const ip = parseIp(text);
  return ip && Buffer.from(ip.address.toString(16).padStart(ip.bits / 4, '0'), 'hex');
}

/** Whether a connection can have that address as its end: it stands for one machine. */
export function isUnicast(bytes: Buffer): boolean {
  if (isZero(bytes)) return false;
  const first = bytes[0] as number;
  if (bytes.length === 16) return first !== 0xff;
  return (first < 224 || first >= 240) && !bytes.every((byte) => byte === 255);
}

function isZero(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}
