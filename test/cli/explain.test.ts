import { transcripts } from './transcript.ts';

transcripts('explain');
