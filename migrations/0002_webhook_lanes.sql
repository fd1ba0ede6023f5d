DROP INDEX `idx_webhook_deliveries_due`;--> statement-breakpoint
CREATE INDEX `idx_webhook_deliveries_due` ON `webhook_deliveries` (`endpoint`,`next_attempt_at`) WHERE state = 'pending';