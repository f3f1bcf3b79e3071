import { transcripts } from './transcript.ts';

transcripts('run');
