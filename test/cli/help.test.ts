import { transcripts } from './transcript.ts';

transcripts('help');
