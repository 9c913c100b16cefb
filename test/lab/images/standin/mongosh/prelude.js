// The shell's objects, on three natives: __run(db, command), __print(line) and
// __ejson(value, relaxed). Order of keys matters in commands.
"use strict";
(function (global) {
  class ObjectId {
    constructor(hex) { this.__oid = hex || __oid(); }
    toString() { return this.__oid; }
    toHexString() { return this.__oid; }
    equals(o) { return String(o) === this.__oid; }
    toJSON() { return this.__oid; }
  }
  class Long {
    constructor(n) { this.__long = Number(n); }
    valueOf() { return this.__long; }
    toNumber() { return this.__long; }
    toString() { return String(this.__long); }
    toJSON() { return this.__long; }
  }

  class Cursor {
    constructor(coll, command) { this.coll = coll; this.command = command; }
    sort(s) { this.command.sort = s; return this; }
    limit(n) { this.command.limit = n; return this; }
    skip(n) { this.command.skip = n; return this; }
    projection(p) { this.command.projection = p; return this; }
    maxTimeMS() { return this; }
    pretty() { return this; }
    load() {
      if (this.items) return this;
      let c = __run(this.coll.db.name, this.command).cursor;
      this.items = c.firstBatch;
      while (c.id) {
        c = __run(this.coll.db.name, { getMore: new Long(c.id), collection: this.coll.name }).cursor;
        this.items = this.items.concat(c.nextBatch);
      }
      return this;
    }
    toArray() { return this.load().items.slice(); }
    forEach(f) { this.toArray().forEach(f); }
    map(f) { return this.toArray().map(f); }
    hasNext() { return this.load().items.length > 0; }
    next() { return this.load().items.shift(); }
    tryNext() { return this.hasNext() ? this.next() : null; }
    count() { return this.toArray().length; }
    itcount() { return this.toArray().length; }
  }

  class Collection {
    constructor(db, name) { this.db = db; this.name = name; }
    getName() { return this.name; }
    getFullName() { return this.db.name + "." + this.name; }
    run(verb, rest) { return __run(this.db.name, Object.assign({ [verb]: this.name }, rest)); }
    find(filter, projection) {
      const c = { find: this.name, filter: filter || {} };
      if (projection) c.projection = projection;
      return new Cursor(this, c);
    }
    findOne(filter, projection) { const a = this.find(filter, projection).limit(1).toArray(); return a.length ? a[0] : null; }
    aggregate(pipeline) { return new Cursor(this, { aggregate: this.name, pipeline: pipeline || [], cursor: {} }); }
    countDocuments(filter) { return this.run("count", { query: filter || {} }).n; }
    estimatedDocumentCount() { return this.run("count", {}).n; }
    count(filter) { return this.countDocuments(filter); }
    distinct(key, filter) { return this.run("distinct", { key: key, query: filter || {} }).values; }
    write(verb, rest) {
      const r = this.run(verb, rest);
      if (r.writeErrors && r.writeErrors.length) {
        const e = new Error(r.writeErrors[0].errmsg);
        e.name = "MongoServerError"; e.code = r.writeErrors[0].code;
        throw e;
      }
      return r;
    }
    insertMany(docs) {
      docs = docs.map((d) => ("_id" in d ? d : Object.assign({ _id: new ObjectId() }, d)));
      this.write("insert", { documents: docs });
      return { acknowledged: true, insertedIds: docs.map((d) => d._id) };
    }
    insertOne(doc) { return { acknowledged: true, insertedId: this.insertMany([doc]).insertedIds[0] }; }
    update(filter, update, multi, options) {
      const r = this.write("update", { updates: [{ q: filter, u: update, multi: multi, upsert: !!(options && options.upsert) }] });
      const up = r.upserted || [];
      return { acknowledged: true, insertedId: up.length ? up[0]._id : null, matchedCount: r.n - up.length, modifiedCount: r.nModified, upsertedCount: up.length };
    }
    updateOne(f, u, o) { return this.update(f, u, false, o); }
    updateMany(f, u, o) { return this.update(f, u, true, o); }
    replaceOne(f, u, o) { return this.update(f, u, false, o); }
    remove(filter, limit) { return { acknowledged: true, deletedCount: this.write("delete", { deletes: [{ q: filter, limit: limit }] }).n }; }
    deleteOne(f) { return this.remove(f, 1); }
    deleteMany(f) { return this.remove(f, 0); }
    createIndex(keys, options) {
      const name = Object.entries(keys).map(([k, v]) => k + "_" + v).join("_");
      this.run("createIndexes", { indexes: [Object.assign({ key: keys, name: name }, options)] });
      return (options && options.name) || name;
    }
    getIndexes() { return new Cursor(this, { listIndexes: this.name }).toArray(); }
    drop() { this.run("drop", {}); return true; }
    stats() { return this.run("collStats", {}); }
  }

  class Database {
    constructor(name) { this.name = name; }
    getName() { return this.name; }
    getMongo() { return { setReadPref() {}, getDB: (n) => makeDB(n), getDBNames: () => this.adminCommand({ listDatabases: 1 }).databases.map((d) => d.name) }; }
    getSiblingDB(name) { return makeDB(name); }
    getCollection(name) { return new Collection(this, name); }
    getCollectionNames() { return new Cursor(new Collection(this, "$cmd"), { listCollections: 1 }).toArray().map((c) => c.name).sort(); }
    runCommand(c) { return __run(this.name, typeof c === "string" ? { [c]: 1 } : c); }
    adminCommand(c) { return __run("admin", typeof c === "string" ? { [c]: 1 } : c); }
    hello() { return this.runCommand({ hello: 1 }); }
    isMaster() { return this.runCommand({ isMaster: 1 }); }
    ping() { return this.adminCommand({ ping: 1 }); }
    version() { return this.adminCommand({ buildInfo: 1 }).version; }
    serverStatus() { return this.adminCommand({ serverStatus: 1 }); }
    serverBuildInfo() { return this.adminCommand({ buildInfo: 1 }); }
    stats() { return this.runCommand({ dbStats: 1 }); }
    dropDatabase() { return this.runCommand({ dropDatabase: 1 }); }
    createCollection(name, o) { return this.runCommand(Object.assign({ create: name }, o)); }
    toString() { return this.name; }
  }
  // A database's unknown properties are its collections.
  function makeDB(name) {
    const db = new Database(name);
    return new Proxy(db, {
      get(t, k) {
        if (k in t || typeof k === "symbol") { const v = t[k]; return typeof v === "function" ? v.bind(t) : v; }
        return new Collection(t, String(k));
      },
    });
  }

  global.db = makeDB(__db);
  global.rs = {
    status: () => db.adminCommand({ replSetGetStatus: 1 }),
    initiate: (config) => db.adminCommand({ replSetInitiate: config === undefined ? {} : config }),
    conf: () => db.adminCommand({ replSetGetConfig: 1 }).config,
    config: () => rs.conf(),
    hello: () => db.hello(),
    isMaster: () => db.isMaster(),
    reconfig: (config, o) => db.adminCommand(Object.assign({ replSetReconfig: config }, o)),
    stepDown: (s) => db.adminCommand({ replSetStepDown: s || 60 }),
  };

  // node's util.inspect, as far as mongosh's output shows it.
  function inspect(v, indent, top) {
    if (typeof v === "string") return top ? v : "'" + v.replace(/\\/g, "\\\\").replace(/'/g, "\\'") + "'";
    if (v === null || typeof v !== "object") return typeof v === "function" ? "[Function: " + (v.name || "anonymous") + "]" : String(v);
    if (v instanceof Date) return top ? v.toISOString() : "ISODate('" + v.toISOString() + "')";
    if (v instanceof ObjectId) return "ObjectId('" + v + "')";
    if (v instanceof Long) return "Long('" + v + "')";
    if (v instanceof RegExp) return String(v);
    if (v instanceof Error) return v.name + (v.codeName ? "[" + v.codeName + "]" : "") + ": " + v.message;
    if (v instanceof Cursor) return inspect(v.toArray(), indent, top);
    if (v instanceof Collection) return v.getFullName();
    if (v instanceof Database) return v.name;
    const array = Array.isArray(v);
    const inner = indent + "  ";
    const parts = array
      ? v.map((x) => inspect(x, inner))
      : Object.keys(v).map((k) => (/^[A-Za-z_$][\w$]*$/.test(k) ? k : "'" + k + "'") + ": " + inspect(v[k], inner));
    if (!parts.length) return array ? "[]" : "{}";
    const [a, b] = array ? ["[", "]"] : ["{", "}"];
    const line = a + " " + parts.join(", ") + " " + b;
    if (line.length + indent.length <= 76 && !line.includes("\n")) return line;
    return a + "\n" + parts.map((p) => inner + p).join(",\n") + "\n" + indent + b;
  }
  const text = (args) => args.map((v) => inspect(v, "", true)).join(" ");
  global.print = (...args) => __print(text(args));
  global.printjson = (v) => __print(inspect(v, "", false));
  global.console = { log: global.print, error: global.print, warn: global.print, info: global.print };
  global.tojson = (v) => inspect(v, "", false);
  global.EJSON = {
    stringify: (v, o) => __ejson(v instanceof Cursor ? v.toArray() : v, !(o && o.relaxed === false)),
    parse: (s) => JSON.parse(s, (k, v) =>
      v && typeof v === "object" ? ("$date" in v ? new Date(v.$date.$numberLong ? Number(v.$date.$numberLong) : v.$date)
        : "$oid" in v ? new ObjectId(v.$oid) : "$numberLong" in v ? Number(v.$numberLong) : "$numberInt" in v ? Number(v.$numberInt)
        : "$numberDouble" in v ? Number(v.$numberDouble) : v) : v),
  };
  global.ObjectId = function (hex) { return new ObjectId(hex); };
  global.ObjectID = global.ObjectId;
  global.Long = { fromNumber: (n) => new Long(n), fromString: (n) => new Long(n) };
  global.NumberLong = (n) => new Long(n);
  global.NumberInt = (n) => Math.trunc(Number(n));
  global.Int32 = global.NumberInt;
  global.Double = (n) => Number(n);
  global.ISODate = (s) => (s === undefined ? new Date() : new Date(s));
  global.version = () => "2.5.8-lab";
  global.process = { exit: (code) => quit(code || 0), env: {} };
  global.__show = (v, json) => __print(json ? __ejson(v instanceof Cursor ? v.toArray() : v, true) : inspect(v, "", true));
})(globalThis);
