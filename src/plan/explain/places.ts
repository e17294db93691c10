import type { PlannedPod } from '../cluster-view.ts';
import { type Answered, type Asked, merged, type Place, partTo } from './parts.ts';
import { policySteps } from './steps.ts';
import { ledTo } from './taken.ts';
import { takenParts } from './taken-parts.ts';
import type { Cluster } from './types.ts';

/** What becomes of the question's traffic to each of these places; places that fare the same are one part. */
export function partsTo(
  asked: Asked,
  world: Cluster,
  source: PlannedPod,
  places: readonly Place[],
): Pick<Answered, 'parts' | 'warnings'> {
  const answers = places.map((place) => partsToOne(asked, world, source, place));
  return {
    parts: merged(answers.flatMap(({ parts }) => parts)),
    warnings: [...new Set(answers.flatMap(({ warnings }) => warnings))],
  };
}

/** A rule may lead to the listener of an Envoy configuration, which sends requests where it likes. */
function partsToOne(
  asked: Asked,
  world: Cluster,
  source: PlannedPod,
  place: Place,
): Pick<Answered, 'parts' | 'warnings'> {
  const context = asked.on(world, source.nodeName);
  const { protocol } = asked.question;
  const packet = { source: source.address, destination: place.address, protocol, port: place.port };
  const taken = ledTo(context, packet);
  if (!taken) return { parts: [partTo(asked, world, source, place)], warnings: [] };
  const before = policySteps(context, 'egress', packet);
  const followed = takenParts(asked, source, { world, taken, called: place.called, before });
  if (followed.ok) return followed.value;
  const { name } = taken.listener.resource;
  return {
    parts: [partTo(asked, world, source, place)],
    warnings: [`listener ${name} may send elsewhere what policy leads to it: ${followed.error}`],
  };
}
