import { COMPONENTS, LEVELS, type Level, levelOf } from '../log/levels.ts';
import { type AdminSubject, type Endpoint, type Page, text } from './page.ts';

const USAGE = `usage: /logging?<name>=<level> (change single level)
usage: /logging?paths=name1:level1,name2:level2,... (change multiple levels)
usage: /logging?level=<level> (change all levels)
usage: /logging?group=<group_name>:<level> (change group of loggers)
levels: ${LEVELS.join(' ')} \n`;

export const logging: Endpoint = {
  path: '/logging',
  help: 'query/change logging levels',
  mutates: true,
  parameters: [
    [
      'paths',
      'Change multiple logging levels by setting to <logger_name1>:<desired_level1>,<logger_name2>:<desired_level2>.',
    ],
    ['group', 'Change given logger group to desired level, set to <logger_group_name>:<desired_level>.'],
    ['level', `desired logging level, this will change all loggers's level; One of (, ${LEVELS.join(', ')})`],
  ],
  answer: changeLevels,
};

async function changeLevels(query: URLSearchParams, { logs, workers }: AdminSubject): Promise<Page> {
  const changes = readChanges(query);
  const shown = (): string =>
    `active loggers:\n${[...logs.levels()].map(([name, level]) => `  ${name}: ${level}\n`).join('')}\n`;
  if (typeof changes === 'string') return text(`error: ${changes}\n\n${USAGE}${shown()}`, 400);
  for (const [component, level] of changes) logs.set(component, level);
  if (changes.length > 0) await workers.command({ kind: 'setLevels', levels: [...logs.levels()] });
  return text(shown());
}

function readChanges(query: URLSearchParams): readonly (readonly [string, Level])[] | string {
  const entries = [...query];
  const [first] = entries;
  if (!first) return [];
  if (entries.length > 1) return 'invalid number of parameters';
  const [name, value] = first;
  if (name === 'level') {
    const level = levelOf(value);
    return level ? COMPONENTS.map((component) => [component, level] as const) : 'unknown logger level';
  }
  const pairs =
    name === 'paths'
      ? value.split(',').map((pair) => pair.split(':'))
      : name === 'group'
        ? [value.split(':')]
        : [[name, value]];
  const changes: (readonly [string, Level])[] = [];
  for (const [component = '', levelName = ''] of pairs) {
    const level = levelOf(levelName);
    if (!level) return 'unknown logger level';
    if (!COMPONENTS.includes(component)) return 'unknown logger name';
    changes.push([component, level]);
  }
  return changes;
}
