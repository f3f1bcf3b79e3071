import { transcripts } from './transcript.ts';

transcripts('review');
