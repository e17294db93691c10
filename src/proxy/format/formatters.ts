import { ok } from '../../base/index.ts';
import { type Fields, isObject, typeName } from '../config/fields.ts';
import type { CommandKind } from './command.ts';
import { HTTP_COMMANDS } from './http-commands.ts';

/** Commands of a format beside those that there are always, by name. */
export type MoreCommands = Readonly<Record<string, CommandKind>>;

const NO_MORE: MoreCommands = {};

const METADATA = 'envoy.extensions.formatter.metadata.v3.Metadata';
const WITHOUT_QUERY = 'envoy.extensions.formatter.req_without_query.v3.ReqWithoutQuery';

const { REQ } = HTTP_COMMANDS;

/** As `REQ`, without what follows the first question mark. */
const REQ_WITHOUT_QUERY: MoreCommands = REQ
  ? {
      REQ_WITHOUT_QUERY: {
        argument: 'optional',
        length: true,
        make: (argument) => {
          if (argument === '') return ok(() => undefined);
          const header = REQ.make(argument);
          if (!header.ok) return header;
          return ok((info) => {
            const value = header.value(info);
            return typeof value === 'string' ? value.split('?', 1)[0] : value;
          });
        },
      },
    }
  : NO_MORE;

/** Reads `formatters` of a format: extensions that bring commands. `METADATA` is there without its extension, too. */
export function readFormatters(fields: Fields): MoreCommands {
  return Object.assign({}, ...fields.list('formatters', readFormatter)) as MoreCommands;
}

function readFormatter(fields: Fields): MoreCommands {
  fields.ignore('name');
  const config = fields.raw('typed_config');
  const type = isObject(config) ? typeName(config) : '';
  if (type === METADATA || type === WITHOUT_QUERY) {
    fields.message('typed_config', () => undefined);
    return type === METADATA ? NO_MORE : REQ_WITHOUT_QUERY;
  }
  const what = `formatter ${JSON.stringify(type)} is not supported by ciliate-proxy`;
  fields.problem('typed_config', what, `${METADATA}, ${WITHOUT_QUERY}`);
  return NO_MORE;
}
