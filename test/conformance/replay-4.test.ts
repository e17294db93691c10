import { replayPart } from './replay.ts';

await replayPart(3, 4);
