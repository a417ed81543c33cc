CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

CREATE TABLE alarms (
	id INTEGER NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	subject VARCHAR(200) NOT NULL, 
	opened_at DATETIME NOT NULL, 
	last_seen DATETIME NOT NULL, 
	closed_at DATETIME, 
	reason TEXT NOT NULL, 
	detail JSON NOT NULL, 
	CONSTRAINT pk_alarms PRIMARY KEY (id)
);

CREATE INDEX ix_alarms_opened_at ON alarms (opened_at);

CREATE UNIQUE INDEX uq_alarms_open ON alarms (kind, subject) WHERE closed_at IS NULL;

CREATE TABLE audit_log (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	at DATETIME NOT NULL, 
	who VARCHAR(200) NOT NULL, 
	what VARCHAR(60) NOT NULL, 
	subject TEXT NOT NULL, 
	detail JSON NOT NULL, 
	address VARCHAR(100) NOT NULL
);

CREATE INDEX ix_audit_log_at ON audit_log (at);

CREATE INDEX ix_audit_log_who_at ON audit_log (who, at);

CREATE TABLE blobs (
	id INTEGER NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	size INTEGER NOT NULL, 
	data BLOB NOT NULL, 
	CONSTRAINT pk_blobs PRIMARY KEY (id), 
	CONSTRAINT uq_blobs_sha256 UNIQUE (sha256)
);

CREATE TABLE chain (
	seq INTEGER NOT NULL, 
	subject VARCHAR(20) NOT NULL, 
	subject_id INTEGER NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	link VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_chain PRIMARY KEY (seq), 
	CONSTRAINT uq_chain_subject_subject_id UNIQUE (subject, subject_id)
);

CREATE TABLE facts (
	name VARCHAR(100) NOT NULL, 
	value JSON NOT NULL, 
	at DATETIME NOT NULL, 
	CONSTRAINT pk_facts PRIMARY KEY (name)
);

CREATE TABLE login_failures (
	id INTEGER NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	address VARCHAR(100) NOT NULL, 
	at DATETIME NOT NULL, 
	CONSTRAINT pk_login_failures PRIMARY KEY (id)
);

CREATE INDEX ix_login_failures_address_at ON login_failures (address, at);

CREATE INDEX ix_login_failures_name_at ON login_failures (name, at);

CREATE TABLE recipients (
	id INTEGER NOT NULL, 
	address VARCHAR(320) NOT NULL, 
	name TEXT NOT NULL, 
	language VARCHAR(10) NOT NULL, 
	themes JSON NOT NULL, 
	regions JSON NOT NULL, 
	languages JSON NOT NULL, 
	hour INTEGER NOT NULL, 
	time_zone VARCHAR(60) NOT NULL, 
	active BOOLEAN NOT NULL, 
	added_at DATETIME NOT NULL, 
	settings JSON NOT NULL, 
	CONSTRAINT pk_recipients PRIMARY KEY (id), 
	CONSTRAINT uq_recipients_address UNIQUE (address)
);

CREATE TABLE rulebooks (
	version VARCHAR(100) NOT NULL, 
	first_used DATETIME NOT NULL, 
	summary JSON NOT NULL, 
	files BLOB, 
	CONSTRAINT pk_rulebooks PRIMARY KEY (version)
);

CREATE TABLE runs (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	kind VARCHAR(40) NOT NULL, 
	slot VARCHAR(200), 
	status VARCHAR(20) NOT NULL, 
	reason TEXT DEFAULT '' NOT NULL, 
	parameters JSON NOT NULL, 
	rules_version VARCHAR(100) DEFAULT '' NOT NULL, 
	host VARCHAR(255) NOT NULL, 
	boot VARCHAR(100) NOT NULL, 
	pid INTEGER NOT NULL, 
	process_started VARCHAR(40) NOT NULL, 
	started_at DATETIME NOT NULL, 
	ended_at DATETIME, 
	lease_until DATETIME NOT NULL, 
	chain_seq INTEGER, 
	chain_link VARCHAR(64)
);

CREATE INDEX ix_runs_kind_started_at ON runs (kind, started_at);

CREATE INDEX ix_runs_running ON runs (status) WHERE status = 'running';

CREATE INDEX ix_runs_started_at ON runs (started_at);

CREATE UNIQUE INDEX uq_runs_kind_slot ON runs (kind, slot) WHERE status IN ('running', 'done', 'incomplete');

CREATE TABLE samples (
	id INTEGER NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	drawn_at DATETIME NOT NULL, 
	drawn_by VARCHAR(200) NOT NULL, 
	parameters JSON NOT NULL, 
	frame_size INTEGER NOT NULL, 
	CONSTRAINT pk_samples PRIMARY KEY (id), 
	CONSTRAINT uq_samples_name UNIQUE (name)
);

CREATE TABLE sources (
	id VARCHAR(200) NOT NULL, 
	title TEXT NOT NULL, 
	home TEXT NOT NULL, 
	rungs JSON NOT NULL, 
	languages JSON NOT NULL, 
	country VARCHAR(10), 
	region VARCHAR(10), 
	ownership VARCHAR(20), 
	state VARCHAR(20) NOT NULL, 
	verified DATE, 
	verified_by TEXT DEFAULT '' NOT NULL, 
	rhythm_s FLOAT NOT NULL, 
	note TEXT DEFAULT '' NOT NULL, 
	listed BOOLEAN NOT NULL, 
	added_at DATETIME NOT NULL, 
	changed_at DATETIME NOT NULL, 
	CONSTRAINT pk_sources PRIMARY KEY (id)
);

CREATE TABLE stories (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	title TEXT NOT NULL, 
	first_moment DATETIME NOT NULL, 
	last_moment DATETIME NOT NULL, 
	facts JSON NOT NULL
);

CREATE INDEX ix_stories_last_moment ON stories (last_moment);

CREATE TABLE timestamps (
	id INTEGER NOT NULL, 
	seq INTEGER NOT NULL, 
	link VARCHAR(64) NOT NULL, 
	authority TEXT NOT NULL, 
	token BLOB NOT NULL, 
	at DATETIME NOT NULL, 
	CONSTRAINT pk_timestamps PRIMARY KEY (id)
);

CREATE INDEX ix_timestamps_seq ON timestamps (seq);

CREATE TABLE users (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name VARCHAR(200) NOT NULL, 
	display_name TEXT NOT NULL, 
	password_hash TEXT NOT NULL, 
	role VARCHAR(20) NOT NULL, 
	language VARCHAR(10) NOT NULL, 
	active BOOLEAN NOT NULL, 
	created_at DATETIME NOT NULL, 
	last_login DATETIME, 
	settings JSON NOT NULL, 
	CONSTRAINT uq_users_name UNIQUE (name)
);

CREATE TABLE warc_files (
	id INTEGER NOT NULL, 
	path TEXT NOT NULL, 
	first_capture INTEGER NOT NULL, 
	last_capture INTEGER NOT NULL, 
	records INTEGER NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	written_at DATETIME NOT NULL, 
	CONSTRAINT pk_warc_files PRIMARY KEY (id), 
	CONSTRAINT uq_warc_files_path UNIQUE (path)
);

CREATE TABLE captures (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	run_id INTEGER NOT NULL, 
	url_asked TEXT NOT NULL, 
	url_answered TEXT NOT NULL, 
	fetched_at DATETIME NOT NULL, 
	status INTEGER NOT NULL, 
	media_type TEXT NOT NULL, 
	headers JSON NOT NULL, 
	request_headers JSON NOT NULL, 
	redirects JSON NOT NULL, 
	server_address VARCHAR(100) NOT NULL, 
	certificate VARCHAR(64) NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	blob_id INTEGER, 
	CONSTRAINT fk_captures_blob_id FOREIGN KEY(blob_id) REFERENCES blobs (id), 
	CONSTRAINT fk_captures_run_id FOREIGN KEY(run_id) REFERENCES runs (id)
);

CREATE INDEX ix_captures_blob_id ON captures (blob_id);

CREATE INDEX ix_captures_fetched_at ON captures (fetched_at);

CREATE INDEX ix_captures_sha256 ON captures (sha256);

CREATE TABLE claims (
	kind VARCHAR(20) NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	run_id INTEGER NOT NULL, 
	claimed_at DATETIME NOT NULL, 
	until DATETIME NOT NULL, 
	CONSTRAINT pk_claims PRIMARY KEY (kind, name), 
	CONSTRAINT fk_claims_run_id FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE
);

CREATE INDEX ix_claims_run_id ON claims (run_id);

CREATE TABLE digests (
	id INTEGER NOT NULL, 
	slot VARCHAR(200) NOT NULL, 
	day DATE NOT NULL, 
	since DATETIME NOT NULL, 
	until DATETIME NOT NULL, 
	composed_at DATETIME NOT NULL, 
	run_id INTEGER, 
	complete BOOLEAN NOT NULL, 
	content JSON NOT NULL, 
	CONSTRAINT pk_digests PRIMARY KEY (id), 
	CONSTRAINT fk_digests_run_id FOREIGN KEY(run_id) REFERENCES runs (id), 
	CONSTRAINT uq_digests_slot UNIQUE (slot)
);

CREATE INDEX ix_digests_until ON digests (until);

CREATE TABLE entries (
	id INTEGER NOT NULL, 
	source_id VARCHAR(200) NOT NULL, 
	"key" TEXT NOT NULL, 
	url TEXT NOT NULL, 
	guid TEXT NOT NULL, 
	title TEXT NOT NULL, 
	summary TEXT DEFAULT '' NOT NULL, 
	content TEXT DEFAULT '' NOT NULL, 
	published DATETIME, 
	published_from VARCHAR(20), 
	updated DATETIME, 
	authors JSON NOT NULL, 
	language TEXT, 
	fingerprint VARCHAR(32) NOT NULL, 
	first_seen DATETIME NOT NULL, 
	last_seen DATETIME NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	tries INTEGER DEFAULT '0' NOT NULL, 
	idle INTEGER DEFAULT '0' NOT NULL, 
	due DATETIME NOT NULL, 
	reason TEXT DEFAULT '' NOT NULL, 
	item_id INTEGER, 
	run_id INTEGER, capture_id INTEGER, 
	CONSTRAINT pk_entries PRIMARY KEY (id), 
	CONSTRAINT fk_entries_run_id FOREIGN KEY(run_id) REFERENCES runs (id), 
	CONSTRAINT fk_entries_source_id FOREIGN KEY(source_id) REFERENCES sources (id), 
	CONSTRAINT uq_entries_source_id_key UNIQUE (source_id, "key")
);

CREATE INDEX ix_entries_item_id ON entries (item_id);

CREATE INDEX ix_entries_last_seen ON entries (last_seen);

CREATE INDEX ix_entries_pending ON entries (due) WHERE state = 'pending';

CREATE TABLE items (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	"key" TEXT NOT NULL, 
	url TEXT NOT NULL, 
	source_id VARCHAR(200) NOT NULL, 
	first_seen DATETIME NOT NULL, 
	run_id INTEGER NOT NULL, 
	version INTEGER NOT NULL, 
	version_id INTEGER, 
	changed_at DATETIME NOT NULL, 
	gone_at DATETIME, 
	title TEXT NOT NULL, 
	language VARCHAR(20) NOT NULL, 
	published DATETIME, 
	published_from VARCHAR(20), 
	body_from VARCHAR(20) NOT NULL, 
	moment DATETIME NOT NULL, 
	grade SMALLINT NOT NULL, 
	score FLOAT NOT NULL, 
	threshold FLOAT NOT NULL, 
	flagging_id INTEGER, 
	rules_version VARCHAR(100) NOT NULL, 
	themes JSON NOT NULL, 
	review VARCHAR(20) DEFAULT 'open' NOT NULL, 
	reviewed_at DATETIME, 
	cluster_id INTEGER NOT NULL, 
	story_id INTEGER, 
	CONSTRAINT fk_items_run_id FOREIGN KEY(run_id) REFERENCES runs (id), 
	CONSTRAINT fk_items_source_id FOREIGN KEY(source_id) REFERENCES sources (id), 
	CONSTRAINT uq_items_key UNIQUE ("key")
);

CREATE INDEX ix_items_changed_at ON items (changed_at);

CREATE INDEX ix_items_cluster_id ON items (cluster_id);

CREATE INDEX ix_items_first_seen ON items (first_seen, id);

CREATE INDEX ix_items_grade_moment ON items (grade, moment, id);

CREATE INDEX ix_items_grade_review_moment ON items (grade, review, moment, id);

CREATE INDEX ix_items_moment ON items (moment, id);

CREATE INDEX ix_items_reviewed_at ON items (review, reviewed_at);

CREATE INDEX ix_items_source_id_moment ON items (source_id, moment, id);

CREATE INDEX ix_items_story_id ON items (story_id);

CREATE TABLE outcomes (
	run_id INTEGER NOT NULL, 
	source_id VARCHAR(200) NOT NULL, 
	subject TEXT NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	url TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	flagged BOOLEAN NOT NULL, 
	item_id INTEGER, 
	at DATETIME NOT NULL, 
	CONSTRAINT pk_outcomes PRIMARY KEY (run_id, source_id, subject), 
	CONSTRAINT fk_outcomes_run_id FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE, 
	CONSTRAINT fk_outcomes_source_id FOREIGN KEY(source_id) REFERENCES sources (id)
);

CREATE TABLE poll_states (
	source_id VARCHAR(200) NOT NULL, 
	rung INTEGER DEFAULT '0' NOT NULL, 
	address TEXT DEFAULT '' NOT NULL, 
	etag TEXT DEFAULT '' NOT NULL, 
	last_modified TEXT DEFAULT '' NOT NULL, 
	body_sha256 VARCHAR(64) DEFAULT '' NOT NULL, 
	next_due DATETIME, 
	interval_s FLOAT DEFAULT '0' NOT NULL, 
	failures INTEGER DEFAULT '0' NOT NULL, 
	last_polled DATETIME, 
	last_ok DATETIME, 
	last_new DATETIME, 
	last_kind VARCHAR(20) DEFAULT '' NOT NULL, 
	last_reason TEXT DEFAULT '' NOT NULL, 
	entries_last INTEGER DEFAULT '0' NOT NULL, 
	rhythm JSON NOT NULL, 
	CONSTRAINT pk_poll_states PRIMARY KEY (source_id), 
	CONSTRAINT fk_poll_states_source_id FOREIGN KEY(source_id) REFERENCES sources (id) ON DELETE CASCADE
);

CREATE INDEX ix_poll_states_next_due ON poll_states (next_due);

CREATE TABLE run_sources (
	run_id INTEGER NOT NULL, 
	source_id VARCHAR(200) NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	reason TEXT NOT NULL, 
	rung TEXT NOT NULL, 
	entries INTEGER NOT NULL, 
	seen INTEGER NOT NULL, 
	new INTEGER NOT NULL, 
	updated INTEGER NOT NULL, 
	unchanged INTEGER NOT NULL, 
	duplicate INTEGER NOT NULL, 
	skipped INTEGER NOT NULL, 
	failed INTEGER NOT NULL, 
	flagged INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	CONSTRAINT pk_run_sources PRIMARY KEY (run_id, source_id), 
	CONSTRAINT fk_run_sources_run_id FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE, 
	CONSTRAINT fk_run_sources_source_id FOREIGN KEY(source_id) REFERENCES sources (id)
);

CREATE INDEX ix_run_sources_source_id_at ON run_sources (source_id, at);

CREATE TABLE sessions (
	token_sha256 VARCHAR(64) NOT NULL, 
	user_id INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	last_seen DATETIME NOT NULL, 
	until DATETIME NOT NULL, 
	csrf VARCHAR(64) NOT NULL, 
	address VARCHAR(100) NOT NULL, 
	CONSTRAINT pk_sessions PRIMARY KEY (token_sha256), 
	CONSTRAINT fk_sessions_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX ix_sessions_until ON sessions (until);

CREATE INDEX ix_sessions_user_id ON sessions (user_id);

CREATE TABLE source_days (
	source_id VARCHAR(200) NOT NULL, 
	day DATE NOT NULL, 
	polls INTEGER NOT NULL, 
	ok INTEGER NOT NULL, 
	failed INTEGER NOT NULL, 
	entries INTEGER NOT NULL, 
	new INTEGER NOT NULL, 
	flagged INTEGER NOT NULL, 
	reason TEXT NOT NULL, 
	CONSTRAINT pk_source_days PRIMARY KEY (source_id, day), 
	CONSTRAINT fk_source_days_source_id FOREIGN KEY(source_id) REFERENCES sources (id) ON DELETE CASCADE
);

CREATE INDEX ix_source_days_day ON source_days (day);

CREATE TABLE item_sources (
	item_id INTEGER NOT NULL, 
	source_id VARCHAR(200) NOT NULL, 
	url TEXT NOT NULL, 
	entry_key TEXT NOT NULL, 
	first_seen DATETIME NOT NULL, capture_id INTEGER, 
	CONSTRAINT pk_item_sources PRIMARY KEY (item_id, source_id), 
	CONSTRAINT fk_item_sources_item_id FOREIGN KEY(item_id) REFERENCES items (id) ON DELETE CASCADE, 
	CONSTRAINT fk_item_sources_source_id FOREIGN KEY(source_id) REFERENCES sources (id)
);

CREATE INDEX ix_item_sources_source_id ON item_sources (source_id);

CREATE TABLE item_tags (
	item_id INTEGER NOT NULL, 
	tag VARCHAR(100) NOT NULL, 
	reviewer VARCHAR(200) NOT NULL, 
	at DATETIME NOT NULL, 
	CONSTRAINT pk_item_tags PRIMARY KEY (item_id, tag), 
	CONSTRAINT fk_item_tags_item_id FOREIGN KEY(item_id) REFERENCES items (id) ON DELETE CASCADE
);

CREATE INDEX ix_item_tags_tag ON item_tags (tag, item_id);

CREATE TABLE item_terms (
	kind VARCHAR(20) NOT NULL, 
	value VARCHAR(200) NOT NULL, 
	item_id INTEGER NOT NULL, 
	grade SMALLINT NOT NULL, 
	moment DATETIME NOT NULL, 
	CONSTRAINT pk_item_terms PRIMARY KEY (kind, value, item_id), 
	CONSTRAINT fk_item_terms_item_id FOREIGN KEY(item_id) REFERENCES items (id) ON DELETE CASCADE
)
 WITHOUT ROWID

;

CREATE INDEX ix_item_terms_item_id ON item_terms (item_id);

CREATE INDEX ix_item_terms_list ON item_terms (kind, value, grade, moment, item_id);

CREATE TABLE item_versions (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	item_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	url TEXT NOT NULL, 
	title TEXT NOT NULL, 
	text TEXT NOT NULL, 
	language VARCHAR(20) NOT NULL, 
	published DATETIME, 
	published_from VARCHAR(20), 
	authors JSON NOT NULL, 
	extractor VARCHAR(100) NOT NULL, 
	body_from VARCHAR(20) NOT NULL, 
	cut BOOLEAN NOT NULL, 
	capture_id INTEGER, 
	fetched_at DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	diff TEXT DEFAULT '' NOT NULL, 
	run_id INTEGER NOT NULL, 
	CONSTRAINT fk_item_versions_capture_id FOREIGN KEY(capture_id) REFERENCES captures (id), 
	CONSTRAINT fk_item_versions_item_id FOREIGN KEY(item_id) REFERENCES items (id) ON DELETE CASCADE, 
	CONSTRAINT fk_item_versions_run_id FOREIGN KEY(run_id) REFERENCES runs (id), 
	CONSTRAINT uq_item_versions_item_id_number UNIQUE (item_id, number), 
	CONSTRAINT uq_item_versions_item_id_sha256 UNIQUE (item_id, sha256)
);

CREATE INDEX ix_item_versions_capture_id ON item_versions (capture_id);

CREATE INDEX ix_item_versions_seen_at ON item_versions (seen_at);

CREATE TABLE outbox (
	id INTEGER NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	slot VARCHAR(200) NOT NULL, 
	address VARCHAR(320) NOT NULL, 
	digest_id INTEGER, 
	alarm_id INTEGER, 
	recipient_id INTEGER, 
	message_id VARCHAR(320) NOT NULL, 
	message BLOB NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	next_try DATETIME NOT NULL, 
	answer TEXT DEFAULT '' NOT NULL, 
	queued_at DATETIME NOT NULL, 
	sent_at DATETIME, 
	CONSTRAINT pk_outbox PRIMARY KEY (id), 
	CONSTRAINT fk_outbox_alarm_id FOREIGN KEY(alarm_id) REFERENCES alarms (id) ON DELETE CASCADE, 
	CONSTRAINT fk_outbox_digest_id FOREIGN KEY(digest_id) REFERENCES digests (id) ON DELETE CASCADE, 
	CONSTRAINT fk_outbox_recipient_id FOREIGN KEY(recipient_id) REFERENCES recipients (id) ON DELETE SET NULL, 
	CONSTRAINT uq_outbox_kind_slot_address UNIQUE (kind, slot, address), 
	CONSTRAINT uq_outbox_message_id UNIQUE (message_id)
);

CREATE INDEX ix_outbox_digest_id ON outbox (digest_id);

CREATE INDEX ix_outbox_waiting ON outbox (next_try) WHERE state IN ('queued', 'sending');

CREATE TABLE sample_items (
	sample_id INTEGER NOT NULL, 
	item_id INTEGER NOT NULL, 
	place INTEGER NOT NULL, 
	grade INTEGER NOT NULL, 
	CONSTRAINT pk_sample_items PRIMARY KEY (sample_id, item_id), 
	CONSTRAINT fk_sample_items_item_id FOREIGN KEY(item_id) REFERENCES items (id), 
	CONSTRAINT fk_sample_items_sample_id FOREIGN KEY(sample_id) REFERENCES samples (id) ON DELETE CASCADE
);

CREATE INDEX ix_sample_items_item_id ON sample_items (item_id);

CREATE TABLE sketch_hashes (
	hash INTEGER NOT NULL, 
	item_id INTEGER NOT NULL, 
	CONSTRAINT pk_sketch_hashes PRIMARY KEY (hash, item_id), 
	CONSTRAINT fk_sketch_hashes_item_id FOREIGN KEY(item_id) REFERENCES items (id) ON DELETE CASCADE
)
 WITHOUT ROWID

;

CREATE INDEX ix_sketch_hashes_item_id ON sketch_hashes (item_id);

CREATE TABLE sketches (
	item_id INTEGER NOT NULL, 
	moment DATETIME NOT NULL, 
	hashes BLOB NOT NULL, 
	CONSTRAINT pk_sketches PRIMARY KEY (item_id), 
	CONSTRAINT fk_sketches_item_id FOREIGN KEY(item_id) REFERENCES items (id) ON DELETE CASCADE
);

CREATE INDEX ix_sketches_moment ON sketches (moment);

CREATE TABLE story_items (
	story_id INTEGER NOT NULL, 
	item_id INTEGER NOT NULL, 
	score FLOAT NOT NULL, 
	why JSON NOT NULL, 
	"by" VARCHAR(200) DEFAULT '' NOT NULL, 
	at DATETIME NOT NULL, 
	CONSTRAINT pk_story_items PRIMARY KEY (story_id, item_id), 
	CONSTRAINT fk_story_items_item_id FOREIGN KEY(item_id) REFERENCES items (id) ON DELETE CASCADE, 
	CONSTRAINT fk_story_items_story_id FOREIGN KEY(story_id) REFERENCES stories (id) ON DELETE CASCADE, 
	CONSTRAINT uq_story_items_item_id UNIQUE (item_id)
);

CREATE TABLE told (
	recipient_id INTEGER NOT NULL, 
	item_id INTEGER NOT NULL, 
	version INTEGER NOT NULL, 
	digest_id INTEGER NOT NULL, 
	section VARCHAR(40) NOT NULL, 
	at DATETIME NOT NULL, 
	shown_version INTEGER NOT NULL, 
	shown_flagging_id INTEGER, 
	shown_flagged BOOLEAN NOT NULL, 
	shown_review VARCHAR(20) NOT NULL, 
	shown_gone BOOLEAN NOT NULL, 
	shown_title TEXT NOT NULL, 
	CONSTRAINT pk_told PRIMARY KEY (recipient_id, item_id, version), 
	CONSTRAINT fk_told_digest_id FOREIGN KEY(digest_id) REFERENCES digests (id) ON DELETE CASCADE, 
	CONSTRAINT fk_told_item_id FOREIGN KEY(item_id) REFERENCES items (id), 
	CONSTRAINT fk_told_recipient_id FOREIGN KEY(recipient_id) REFERENCES recipients (id) ON DELETE CASCADE
);

CREATE INDEX ix_told_digest_id ON told (digest_id);

CREATE INDEX ix_told_item_id ON told (item_id);

CREATE INDEX ix_told_recipient_id_at ON told (recipient_id, at);

CREATE TABLE deliveries (
	outbox_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	code INTEGER NOT NULL, 
	answer TEXT NOT NULL, 
	CONSTRAINT pk_deliveries PRIMARY KEY (outbox_id, number), 
	CONSTRAINT fk_deliveries_outbox_id FOREIGN KEY(outbox_id) REFERENCES outbox (id) ON DELETE CASCADE
);

CREATE TABLE flaggings (
	id INTEGER NOT NULL, 
	item_id INTEGER NOT NULL, 
	version_id INTEGER NOT NULL, 
	rules_version VARCHAR(100) NOT NULL, 
	score FLOAT NOT NULL, 
	threshold FLOAT NOT NULL, 
	flagged BOOLEAN NOT NULL, 
	near_miss BOOLEAN NOT NULL, 
	themes JSON NOT NULL, 
	entities JSON NOT NULL, 
	places JSON NOT NULL, 
	regions JSON NOT NULL, 
	spans JSON NOT NULL, 
	rulings JSON NOT NULL, 
	at DATETIME NOT NULL, 
	run_id INTEGER NOT NULL, 
	CONSTRAINT pk_flaggings PRIMARY KEY (id), 
	CONSTRAINT fk_flaggings_item_id FOREIGN KEY(item_id) REFERENCES items (id) ON DELETE CASCADE, 
	CONSTRAINT fk_flaggings_run_id FOREIGN KEY(run_id) REFERENCES runs (id), 
	CONSTRAINT fk_flaggings_version_id FOREIGN KEY(version_id) REFERENCES item_versions (id) ON DELETE CASCADE, 
	CONSTRAINT uq_flaggings_version_id_rules_version UNIQUE (version_id, rules_version)
);

CREATE INDEX ix_flaggings_item_id ON flaggings (item_id);

CREATE TABLE rechecks (
	id INTEGER NOT NULL, 
	item_id INTEGER NOT NULL, 
	label VARCHAR(20) NOT NULL, 
	due DATETIME NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	tries INTEGER DEFAULT '0' NOT NULL, 
	done_at DATETIME, 
	capture_id INTEGER, 
	version_id INTEGER, 
	reason TEXT DEFAULT '' NOT NULL, 
	run_id INTEGER, 
	CONSTRAINT pk_rechecks PRIMARY KEY (id), 
	CONSTRAINT fk_rechecks_capture_id FOREIGN KEY(capture_id) REFERENCES captures (id), 
	CONSTRAINT fk_rechecks_item_id FOREIGN KEY(item_id) REFERENCES items (id) ON DELETE CASCADE, 
	CONSTRAINT fk_rechecks_run_id FOREIGN KEY(run_id) REFERENCES runs (id), 
	CONSTRAINT fk_rechecks_version_id FOREIGN KEY(version_id) REFERENCES item_versions (id) ON DELETE SET NULL, 
	CONSTRAINT uq_rechecks_item_id_label UNIQUE (item_id, label)
);

CREATE INDEX ix_rechecks_done_at ON rechecks (done_at);

CREATE INDEX ix_rechecks_waiting ON rechecks (due) WHERE state = 'waiting';

CREATE TABLE verdicts (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	item_id INTEGER NOT NULL, 
	version_id INTEGER NOT NULL, 
	flagging_id INTEGER, 
	reviewer VARCHAR(200) NOT NULL, 
	act VARCHAR(20) NOT NULL, 
	decision VARCHAR(20) NOT NULL, 
	reason VARCHAR(40) DEFAULT '' NOT NULL, 
	note TEXT DEFAULT '' NOT NULL, 
	undoes INTEGER, 
	blind BOOLEAN NOT NULL, 
	sample_id INTEGER, 
	seconds FLOAT, 
	batch VARCHAR(40) DEFAULT '' NOT NULL, 
	at DATETIME NOT NULL, 
	CONSTRAINT fk_verdicts_flagging_id FOREIGN KEY(flagging_id) REFERENCES flaggings (id), 
	CONSTRAINT fk_verdicts_item_id FOREIGN KEY(item_id) REFERENCES items (id), 
	CONSTRAINT fk_verdicts_sample_id FOREIGN KEY(sample_id) REFERENCES samples (id), 
	CONSTRAINT fk_verdicts_undoes FOREIGN KEY(undoes) REFERENCES verdicts (id), 
	CONSTRAINT fk_verdicts_version_id FOREIGN KEY(version_id) REFERENCES item_versions (id), 
	CONSTRAINT uq_verdicts_undoes UNIQUE (undoes)
);

CREATE INDEX ix_verdicts_at ON verdicts (at);

CREATE INDEX ix_verdicts_item_id_reviewer ON verdicts (item_id, reviewer, id);

CREATE INDEX ix_verdicts_reviewer_at ON verdicts (reviewer, at);

CREATE TABLE current_verdicts (
	item_id INTEGER NOT NULL, 
	reviewer VARCHAR(200) NOT NULL, 
	verdict_id INTEGER NOT NULL, 
	decision VARCHAR(20) NOT NULL, 
	reason VARCHAR(40) NOT NULL, 
	blind BOOLEAN NOT NULL, 
	settles BOOLEAN NOT NULL, 
	at DATETIME NOT NULL, 
	CONSTRAINT pk_current_verdicts PRIMARY KEY (item_id, reviewer), 
	CONSTRAINT fk_current_verdicts_item_id FOREIGN KEY(item_id) REFERENCES items (id), 
	CONSTRAINT fk_current_verdicts_verdict_id FOREIGN KEY(verdict_id) REFERENCES verdicts (id)
);

CREATE INDEX ix_current_verdicts_decision_at ON current_verdicts (decision, at);

CREATE INDEX ix_current_verdicts_reviewer_decision_at ON current_verdicts (reviewer, decision, at);

CREATE VIRTUAL TABLE item_search USING fts5(title, text, content='', tokenize="unicode61 remove_diacritics 0");

CREATE INDEX ix_item_sources_capture_id ON item_sources (capture_id);

CREATE TABLE feed_pieces (
	source_id VARCHAR(200) NOT NULL, 
	pieces BLOB NOT NULL, 
	CONSTRAINT pk_feed_pieces PRIMARY KEY (source_id), 
	CONSTRAINT fk_feed_pieces_source_id_sources FOREIGN KEY(source_id) REFERENCES sources (id) ON DELETE CASCADE
)