import { replayPart } from './replay.ts';

await replayPart(1, 4);
