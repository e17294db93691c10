import type { StreamInfo } from '../http/stream-info.ts';

const names = [
  'OK',
  'Canceled',
  'Unknown',
  'InvalidArgument',
  'DeadlineExceeded',
  'NotFound',
  'AlreadyExists',
  'PermissionDenied',
  'ResourceExhausted',
  'FailedPrecondition',
  'Aborted',
  'OutOfRange',
  'Unimplemented',
  'Internal',
  'Unavailable',
  'DataLoss',
  'Unauthenticated',
];

/** `grpc-status` of the trailers or headers of a gRPC response: `CamelCase` by default, `SNAKE_STRING`, or `NUMBER`. */
export function grpcStatusName(info: StreamInfo, form: string): string | number | undefined {
  const type = info.requestHeader('content-type');
  if (type === undefined || !/^application\/grpc(?:\+|$)/.test(type)) return undefined;
  const text = info.responseTrailers?.get('grpc-status') ?? info.response?.headers.get('grpc-status');
  if (text === undefined || !/^\d+$/.test(text)) return undefined;
  const code = Number(text);
  if (form === 'NUMBER') return code;
  const name = names[code] ?? text;
  if (form !== 'SNAKE_STRING') return name;
  return code === 0 || names[code] === undefined ? name : name.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
}
