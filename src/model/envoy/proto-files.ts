import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

/**
 * Envoy's published API as `.proto` texts, read from the package that ships them (API of about Envoy 1.30).
 * Its `google/protobuf` files are part of protobufjs; annotation files only extend options, which are read untyped.
 */
const skippedImport =
  /^(?:envoy\/annotations|udpa\/annotations|xds\/annotations|validate|google\/protobuf)\/|^google\/api\/(?:annotations|http)\.proto/;

let directories: readonly string[] | undefined;

function protoDirectories(): readonly string[] {
  if (directories) return directories;
  const entry = createRequire(import.meta.url).resolve('@grpc/grpc-js-xds/package.json');
  const deps = path.join(path.dirname(entry), 'deps');
  directories = ['envoy-api', 'xds', 'googleapis'].map((name) => path.join(deps, name));
  return directories;
}

const folders = new Map<string, ReadonlyMap<string, string>>();

/**
 * The file of a top-level message or service, for instance `envoy/config/route/v3/route.proto` of
 * `envoy.config.route.v3.RouteConfiguration`: Envoy keeps a package's files in the folder of the same name.
 */
export function fileDefining(packageName: string, name: string): string | undefined {
  const folder = packageName.replaceAll('.', '/');
  for (const directory of protoDirectories()) {
    const place = path.join(directory, folder);
    if (!existsSync(place)) continue;
    const known = folders.get(place) ?? definitionsIn(place);
    folders.set(place, known);
    const file = known.get(name);
    if (file !== undefined) return `${folder}/${file}`;
  }
  return undefined;
}

/** Names of messages, enums and services to the file that defines them. */
function definitionsIn(place: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const file of readdirSync(place).filter((name) => name.endsWith('.proto'))) {
    const text = readFileSync(path.join(place, file), 'utf8');
    for (const [, name = ''] of text.matchAll(/^(?:message|service|enum) (\w+)/gm)) found.set(name, file);
  }
  return found;
}

export interface ProtoText {
  readonly file: string;
  readonly text: string;
}

/**
 * The files that `file` needs, itself included, without those in `have`; undefined when one of them is not published.
 * Comments and file options are cut: nothing reads them and they are three quarters of the text.
 */
export function protoClosure(file: string, have: ReadonlySet<string>): readonly ProtoText[] | undefined {
  const found = new Map<string, ProtoText>();
  const pending = [file];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (found.has(next) || have.has(next)) continue;
    const text = readProto(next);
    if (text === undefined) return undefined;
    found.set(next, { file: next, text });
    for (const [, imported = ''] of text.matchAll(/^import\s+(?:public\s+|weak\s+)?"([^"]+)";/gm)) {
      if (!skippedImport.test(imported)) pending.push(imported);
    }
  }
  return [...found.values()];
}

function readProto(file: string): string | undefined {
  for (const directory of protoDirectories()) {
    const place = path.join(directory, file);
    if (existsSync(place))
      return readFileSync(place, 'utf8')
        .replace(/^\s*\/\/.*$/gm, '')
        .replace(/^option .*;$/gm, '');
  }
  return undefined;
}
