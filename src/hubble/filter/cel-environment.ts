import { createRequire } from 'node:module';
import type { CelEnv } from '@bufbuild/cel';
import type { DescMessage, FileRegistry, Message } from '@bufbuild/protobuf';
import { compileRe2 } from '../../base/index.ts';
import { type Flow, fileDescriptors, messageType } from '../../model/flow/index.ts';

/** What expressions are compiled in: the schema's messages and enums, and the flow as `_flow`. */
export interface CelEnvironment {
  readonly cel: typeof import('@bufbuild/cel');
  readonly environment: CelEnv;
  readonly flowType: DescMessage;
  /** The flow as the evaluator takes it. */
  readonly messageOf: (flow: Flow) => Message;
}

let made: CelEnvironment | undefined;

/** Made when it is first asked for, which takes some hundred milliseconds and 25 MB: hardly anybody filters by expressions. */
export function celEnvironment(): CelEnvironment {
  made ??= createEnvironment();
  return made;
}

/** The container of names, as in Hubble (`pkg/hubble/filters/cel_expression.go`). */
export const celContainer = 'flow';
export const flowVariable = '_flow';

function createEnvironment(): CelEnvironment {
  const require = createRequire(import.meta.url);
  const cel = require('@bufbuild/cel') as typeof import('@bufbuild/cel');
  const { fromBinary } = require('@bufbuild/protobuf') as typeof import('@bufbuild/protobuf');
  const registry = flowRegistry(require);
  const flowType = registry.getMessage('flow.Flow');
  if (!flowType) throw new Error('the schema has no flow.Flow');
  const environment = cel.celEnv({
    namespace: celContainer,
    registry,
    variables: { [flowVariable]: cel.objectType(flowType) },
    re2: { compile: linearMatcher },
  });
  const plain = messageType('flow.Flow');
  return {
    cel,
    environment: environment as CelEnv,
    flowType,
    messageOf: (flow) => fromBinary(flowType, plain.encode(flow).finish()),
  };
}

function linearMatcher(pattern: string): { readonly test: (text: string) => boolean } {
  const compiled = compileRe2(pattern);
  if (!compiled.ok) throw new Error(`error parsing regexp: ${compiled.error}`);
  const { value } = compiled;
  return { test: (text) => value.matcher(text).find() };
}

/** The schema of flows as the evaluator's protobuf knows it. */
function flowRegistry(require: NodeJS.Require): FileRegistry {
  const { createFileRegistry, fromBinary } = require('@bufbuild/protobuf') as typeof import('@bufbuild/protobuf');
  const known = require('@bufbuild/protobuf/wkt') as typeof import('@bufbuild/protobuf/wkt');
  const described = fileDescriptors().file('flow/flow.proto');
  if (!described) throw new Error('the schema has no flow/flow.proto');
  const imports = [
    known.file_google_protobuf_timestamp,
    known.file_google_protobuf_wrappers,
    known.file_google_protobuf_any,
  ];
  const proto = fromBinary(known.FileDescriptorProtoSchema, described.bytes);
  return createFileRegistry(proto, (name) => imports.find((one) => one.proto.name === name));
}
