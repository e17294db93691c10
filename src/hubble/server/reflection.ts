import type { ServerDuplexStream, ServiceDefinition } from '@grpc/grpc-js';
import { decodeMessage, encodeMessage, fileDescriptors } from '../../model/flow/index.ts';
import { RpcCode } from '../observer/rpc-error.ts';
import type { GrpcService } from './services.ts';
import { admit, type StreamGate } from './stream.ts';

/** The version of today and the one before, which many clients still ask for; their messages are the same. */
const packages = ['grpc.reflection.v1', 'grpc.reflection.v1alpha'] as const;

interface Request {
  readonly host?: string;
  readonly file_by_filename?: string;
  readonly file_containing_symbol?: string;
  readonly file_containing_extension?: { readonly containing_type?: string; readonly extension_number?: number };
  readonly all_extension_numbers_of_type?: string;
  readonly list_services?: string;
}

type Call = ServerDuplexStream<Request, object>;

/** The services given, and reflection about them and itself, as gRPC's own server for Go has it. Descriptors are made when they are first asked for. */
export function withReflection(services: readonly GrpcService[], gate: StreamGate): readonly GrpcService[] {
  const names = [...services.map(nameOf), ...packages.map((name) => `${name}.ServerReflection`)].sort();
  return [
    ...services,
    ...packages.map((name) => ({
      definition: definitionOf(name),
      implementation: {
        ServerReflectionInfo: (call: Call) => {
          if (admit(call, gate)) serve(call, names);
        },
      },
    })),
  ];
}

function nameOf({ definition }: GrpcService): string {
  return Object.values(definition)[0]?.path.split('/')[1] ?? '';
}

/** Its messages are looked up with the first call. */
function definitionOf(name: string): ServiceDefinition {
  const request = `${name}.ServerReflectionRequest`;
  const response = `${name}.ServerReflectionResponse`;
  return {
    ServerReflectionInfo: {
      path: `/${name}.ServerReflection/ServerReflectionInfo`,
      requestStream: true,
      responseStream: true,
      requestSerialize: (message: object) => Buffer.from(encodeMessage(request, message)),
      requestDeserialize: (bytes: Buffer) => decodeMessage<Request>(request, bytes),
      responseSerialize: (message: object) => Buffer.from(encodeMessage(response, message)),
      responseDeserialize: (bytes: Buffer) => decodeMessage(response, bytes),
    },
  };
}

function serve(call: Call, names: readonly string[]): void {
  const sent = new Set<string>();
  call.on('data', (request: Request) => {
    const answer = answerTo(request, names, sent);
    if (!answer) {
      call.emit('error', {
        code: RpcCode.INVALID_ARGUMENT,
        details: 'invalid MessageRequest: no kind of request is set',
      });
      return;
    }
    const { host = '' } = request;
    if (call.write({ valid_host: host, original_request: request, ...answer })) return;
    // Who asks without reading the answers waits.
    call.pause();
    call.once('drain', () => call.resume());
  });
  call.on('end', () => call.end());
}

/** The response's kind, or undefined for a request of none. `sent` holds the files that the caller has had. */
function answerTo(request: Request, names: readonly string[], sent: Set<string>): object | undefined {
  const { fileOf } = fileDescriptors();
  // Fields that are not set stand on the prototype.
  const kind = Object.keys(request).find((key) => key !== 'host');
  switch (kind) {
    case 'list_services':
      return { list_services_response: { service: names.map((name) => ({ name })) } };
    case 'file_by_filename':
      return filesFrom(request.file_by_filename, sent) ?? notFound(`file ${quoted(request.file_by_filename)}`);
    case 'file_containing_symbol': {
      const { file_containing_symbol: symbol = '' } = request;
      return filesFrom(fileOf(symbol), sent) ?? notFound(`symbol ${quoted(symbol)}`);
    }
    case 'file_containing_extension': {
      const { containing_type: type = '', extension_number: number = 0 } = request.file_containing_extension ?? {};
      return notFound(`extension ${number} of ${quoted(type)}`);
    }
    case 'all_extension_numbers_of_type': {
      const { all_extension_numbers_of_type: type = '' } = request;
      if (fileOf(type) === undefined) return notFound(`type ${quoted(type)}`);
      return { all_extension_numbers_response: { base_type_name: type, extension_number: [] } };
    }
    default:
      return undefined;
  }
}

/** The file and what it imports, but for imports that the caller has had; undefined where there is no such file. */
function filesFrom(first: string | undefined, sent: Set<string>): object | undefined {
  const { file } = fileDescriptors();
  if (first === undefined || !file(first)) return undefined;
  const bytes: Uint8Array[] = [];
  const seen = new Set<string>();
  const add = (name: string): void => {
    const found = file(name);
    if (!found || seen.has(name)) return;
    seen.add(name);
    if (name === first || !sent.has(name)) bytes.push(found.bytes);
    sent.add(name);
    for (const one of found.imports) add(one);
  };
  add(first);
  return { file_descriptor_response: { file_descriptor_proto: bytes } };
}

function notFound(what: string): object {
  return { error_response: { error_code: RpcCode.NOT_FOUND, error_message: `${what} not found` } };
}

function quoted(text = ''): string {
  return JSON.stringify(text.slice(0, 200));
}
