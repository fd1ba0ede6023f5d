CREATE TABLE `webhook_pauses` (
	`endpoint` text PRIMARY KEY NOT NULL,
	`until` integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE `session_events` ADD `session_moves` integer;--> statement-breakpoint
ALTER TABLE `session_events` ADD `sequence` integer;--> statement-breakpoint
ALTER TABLE `webhook_deliveries` ADD `session_id` text;--> statement-breakpoint
ALTER TABLE `webhook_deliveries` ADD `sequence` integer;--> statement-breakpoint
CREATE INDEX `idx_webhook_deliveries_refused` ON `webhook_deliveries` (`endpoint`,`next_attempt_at`) WHERE state = 'refused';--> statement-breakpoint
CREATE INDEX `idx_webhook_deliveries_session` ON `webhook_deliveries` (`endpoint`,`session_id`,`sequence`) WHERE state = 'pending';