CREATE TABLE `cleanup_runs` (
	`id` integer PRIMARY KEY NOT NULL,
	`started_at` integer NOT NULL,
	`duration_ms` integer NOT NULL,
	`expired` integer NOT NULL,
	`revoked` integer NOT NULL,
	`idle` integer NOT NULL,
	`idempotency_keys` integer NOT NULL,
	`events` integer NOT NULL,
	`finished` integer NOT NULL,
	`overdue_seconds` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `counts` (
	`hour` integer NOT NULL,
	`name` text NOT NULL,
	`label` text NOT NULL,
	`value` integer NOT NULL,
	PRIMARY KEY(`hour`, `name`, `label`)
);
--> statement-breakpoint
ALTER TABLE `cleanup_state` ADD `counted_seq` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `cleanup_state` ADD `counted_until` integer;--> statement-breakpoint
ALTER TABLE `cleanup_state` ADD `active_sessions` integer;--> statement-breakpoint
ALTER TABLE `cleanup_state` ADD `walk_active` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `cleanup_state` ADD `walk_ended` integer DEFAULT 0 NOT NULL;