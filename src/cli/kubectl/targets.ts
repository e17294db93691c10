import { Failure } from './failure.ts';
import { type Kind, kindsNamed } from './kinds.ts';

/** Objects of one kind that arguments name; without names all of it. */
export interface Target {
  readonly kind: Kind;
  readonly names: readonly string[];
}

/** Reads `pods`, `pods a b`, `pod/a svc/b`, `deploy,svc`. */
export function parseTargets(kinds: readonly Kind[], args: readonly string[]): readonly Target[] {
  const [first, ...names] = args;
  if (first === undefined) throw new Failure('error: name a resource type, for example "pods"');
  if (!args.some((arg) => arg.includes('/'))) {
    return first.split(',').flatMap((word) => kindsNamed(kinds, word).map((kind) => ({ kind, names })));
  }
  return args.map((arg) => {
    const [word = '', name = '', ...more] = arg.split('/');
    const [kind] = kindsNamed(kinds, word);
    if (!kind || name === '' || more.length > 0) throw new Failure(`error: "${arg}" is not TYPE/NAME`);
    return { kind, names: [name] };
  });
}
