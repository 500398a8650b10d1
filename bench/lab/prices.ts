/**
 * List prices of AWS in dollars, on demand, without free tiers and discounts, of us-east-1 as docs/DEPLOY.md has them,
 * from AWS's public price pages for Lambda, API Gateway, ElastiCache and RDS as known to the authors in 2026. They change: look
 * at AWS's calculator before you rely on one. Other regions are dearer for all of it, by 10 to 30 %.
 */

/** What an hourly price buys. */
export interface Size {
  readonly name: string;
  /** Virtual CPUs that can be used without end: of a burstable size its baseline. */
  readonly cores: number;
  readonly memoryGib: number;
  readonly dollarsAnHour: number;
}

export const HOURS_A_MONTH = 730;

export const lambda = {
  /** arm64. */
  dollarsAGbSecond: 0.0000133334,
  dollarsAMillionRequests: 0.2,
  /** Memory that buys one virtual CPU; less buys its part. */
  mbACore: 1769,
} as const;

/** HTTP API, first 300 million a month. */
export const api = { dollarsAMillionRequests: 1 } as const;

/** ElastiCache for Valkey, a node. One thread runs the scripts, so a larger node has no more than one core for them. */
export const valkeySizes: readonly Size[] = [
  { name: 't4g.micro', cores: 0.2, memoryGib: 0.5, dollarsAnHour: 0.0128 },
  { name: 't4g.small', cores: 0.4, memoryGib: 1.37, dollarsAnHour: 0.0256 },
  { name: 't4g.medium', cores: 0.4, memoryGib: 3.09, dollarsAnHour: 0.052 },
  { name: 'm7g.large', cores: 1, memoryGib: 6.38, dollarsAnHour: 0.1264 },
  { name: 'm7g.xlarge', cores: 1, memoryGib: 12.93, dollarsAnHour: 0.252 },
  { name: 'm7g.2xlarge', cores: 1, memoryGib: 26.04, dollarsAnHour: 0.504 },
];

/** RDS for MySQL in two zones. Storage is the same for all patterns: gp3 has 3,000 operations a second in its price. */
export const mysqlSizes: readonly Size[] = [
  { name: 't4g.micro', cores: 0.2, memoryGib: 1, dollarsAnHour: 0.032 },
  { name: 't4g.small', cores: 0.4, memoryGib: 2, dollarsAnHour: 0.065 },
  { name: 't4g.large', cores: 0.6, memoryGib: 8, dollarsAnHour: 0.258 },
  { name: 'm7g.large', cores: 2, memoryGib: 8, dollarsAnHour: 0.336 },
  { name: 'm7g.xlarge', cores: 4, memoryGib: 16, dollarsAnHour: 0.672 },
  { name: 'm7g.2xlarge', cores: 8, memoryGib: 32, dollarsAnHour: 1.344 },
  { name: 'm7g.4xlarge', cores: 16, memoryGib: 64, dollarsAnHour: 2.688 },
  { name: 'm7g.8xlarge', cores: 32, memoryGib: 128, dollarsAnHour: 5.376 },
  { name: 'm7g.16xlarge', cores: 64, memoryGib: 256, dollarsAnHour: 10.752 },
];
