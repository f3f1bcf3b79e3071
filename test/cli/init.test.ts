import { transcripts } from './transcript.ts';

transcripts('init');
