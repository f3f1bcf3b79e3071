import { transcripts } from './transcript.ts';

transcripts('audit');
