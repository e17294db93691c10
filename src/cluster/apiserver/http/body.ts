import type { IncomingMessage } from 'node:http';
import { type Decoded, DecodeError, decodeJson } from '../decode/json.ts';
import { badRequest, StatusError } from '../status.ts';

/** Largest request body, as in Kubernetes. */
const BODY_LIMIT = 3 * 1024 * 1024;

/** The whole body; 413 when it is larger than `BODY_LIMIT`. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const announced = Number(request.headers['content-length'] ?? 0);
  const tooLarge = () =>
    new StatusError(413, 'RequestEntityTooLarge', `the request body is larger than the limit of ${BODY_LIMIT} bytes`);
  if (announced > BODY_LIMIT) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export function mediaType(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? 'application/json').split(';')[0]?.trim().toLowerCase() ?? '';
}

/** Reads an object in any encoding that clients use. Throws 400 or 415. */
export async function decodeBody(type: string, body: Buffer): Promise<Decoded> {
  try {
    switch (type) {
      case 'application/json':
      case '':
        return decodeJson(body.toString('utf8'));
      case 'application/yaml':
      case 'application/x-yaml':
      case 'text/yaml':
      case 'application/apply-patch+yaml':
        return await decodeYamlOrJson(body.toString('utf8'));
      case 'application/vnd.kubernetes.protobuf': {
        const { decodeProtobuf } = await import('../decode/protobuf.ts');
        return { value: decodeProtobuf(body), duplicates: [] };
      }
    }
  } catch (error) {
    if (error instanceof DecodeError)
      throw badRequest(`the object provided is unrecognized (must be of type ${type}): ${error.message}`);
    throw error;
  }
  throw unsupportedMediaType(['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']);
}

async function decodeYamlOrJson(text: string): Promise<Decoded> {
  // kubectl sends JSON under a YAML type; JSON is much faster to read.
  if (text.trimStart().startsWith('{')) {
    try {
      return decodeJson(text);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
    }
  }
  const { decodeYaml } = await import('../decode/yaml.ts');
  return decodeYaml(text);
}

export function unsupportedMediaType(accepted: readonly string[]): StatusError {
  return new StatusError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );
}
