import { replayPart } from './replay.ts';

await replayPart(0, 4);
