/** Zip archives for tests, good ones and others. */
import { crc32, deflateRawSync } from 'node:zlib';

/** An archive of these files, deflated, or stored as they are. */
export function zipOf(files: Readonly<Record<string, Buffer>>, isStored = false): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let at = 0;
  for (const [name, octets] of Object.entries(files)) {
    const packed = isStored ? octets : deflateRawSync(octets);
    // Version, flags, method, time, date, checksum, sizes, length of the name, of the extra field.
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(isStored ? 0 : 8, 4);
    common.writeUInt32LE(crc32(octets), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(octets.length, 18);
    common.writeUInt16LE(name.length, 22);
    const offset = Buffer.alloc(14);
    offset.writeUInt32LE(at, 10);
    central.push(Buffer.from('PK\u{1}\u{2}\u{14}\0', 'latin1'), common, offset, Buffer.from(name, 'latin1'));
    const local = Buffer.concat([Buffer.from('PK\u{3}\u{4}', 'latin1'), common, Buffer.from(name, 'latin1'), packed]);
    locals.push(local);
    at += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(Object.keys(files).length, 4);
  end.writeUInt16LE(Object.keys(files).length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(at, 12);
  return Buffer.concat([...locals, directory, Buffer.from('PK\u{5}\u{6}', 'latin1'), end]);
}
