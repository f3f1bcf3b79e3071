import { transcripts } from './transcript.ts';

transcripts('check');
