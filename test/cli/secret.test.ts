import { transcripts } from './transcript.ts';

transcripts('secret');
