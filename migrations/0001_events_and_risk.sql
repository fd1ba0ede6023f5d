CREATE TABLE `session_events` (
	`seq` integer PRIMARY KEY NOT NULL,
	`id` text DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))) NOT NULL,
	`type` text NOT NULL,
	`subject` text NOT NULL,
	`session_id` text NOT NULL,
	`client_id` text,
	`request_id` text,
	`created_at` integer DEFAULT (unixepoch()) NOT NULL,
	`details` text DEFAULT '{}' NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `session_events_id_unique` ON `session_events` (`id`);--> statement-breakpoint
CREATE INDEX `idx_session_events_subject` ON `session_events` (`subject`);--> statement-breakpoint
CREATE TABLE `used_assertions` (
	`hash` text PRIMARY KEY NOT NULL,
	`expires_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `idx_used_assertions_expires` ON `used_assertions` (`expires_at`);--> statement-breakpoint
CREATE TABLE `webhook_deliveries` (
	`event_id` text NOT NULL,
	`endpoint` text NOT NULL,
	`state` text DEFAULT 'pending' NOT NULL,
	`attempts` integer DEFAULT 0 NOT NULL,
	`next_attempt_at` integer NOT NULL,
	`last_error` text,
	PRIMARY KEY(`event_id`, `endpoint`),
	FOREIGN KEY (`event_id`) REFERENCES `session_events`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `idx_webhook_deliveries_due` ON `webhook_deliveries` (`next_attempt_at`) WHERE state = 'pending';--> statement-breakpoint
ALTER TABLE `user_sessions` ADD `acr` text;--> statement-breakpoint
ALTER TABLE `user_sessions` ADD `last_signals` text;--> statement-breakpoint
ALTER TABLE `users` ADD `not_before` integer;--> statement-breakpoint
CREATE INDEX `idx_users_not_before` ON `users` (`not_before`) WHERE not_before IS NOT NULL;