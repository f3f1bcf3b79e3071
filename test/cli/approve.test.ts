import { transcripts } from './transcript.ts';

transcripts('approve');
