import { transcripts } from './transcript.ts';

transcripts('doctor');
