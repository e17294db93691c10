import type { GrpcMessage } from '../model/envoy/index.ts';

/** The text in a field of a message; empty when it is not set. */
export function textIn(message: GrpcMessage | null | undefined, field: string): string {
  const value = message?.[field];
  return typeof value === 'string' ? value : '';
}

/** The texts in a repeated field of a message. */
export function textsIn(message: GrpcMessage, field: string): readonly string[] {
  const value = message[field];
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
