import { transcripts } from './transcript.ts';

transcripts('key');
