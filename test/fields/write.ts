import { writeFileSync } from 'node:fs';
import { walkAll } from './all.ts';
import { FIELDS_FILE, fieldsDocument } from './documents.ts';

const { fates } = await walkAll();
writeFileSync(FIELDS_FILE, fieldsDocument(fates));
