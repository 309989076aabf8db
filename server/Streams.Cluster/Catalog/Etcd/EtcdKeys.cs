using System.Text;
using Streams.Core;

namespace Streams.Cluster;

/// <summary>Where the keys of a cluster's catalog stand in etcd: entries under <c>/streams/{cluster}/c/</c>, the marks of writers under
/// <c>/streams/{cluster}/w/</c>.</summary>
internal sealed class EtcdKeys(ClusterName cluster)
{
    private readonly string _entries = $"/streams/{cluster}/c/";
    private readonly string _writers = $"/streams/{cluster}/w/";

    public byte[] Entry(string key) => Encoding.ASCII.GetBytes(_entries + key);

    public byte[] Writer(string writer) => Encoding.ASCII.GetBytes(_writers + writer);

    /// <summary>The key of an entry as the catalog calls it.</summary>
    public string Name(byte[] key) => Encoding.ASCII.GetString(key.AsSpan(_entries.Length));

    /// <summary>The first key behind all that begin with this one, which never ends in 0xFF.</summary>
    public static byte[] End(byte[] prefix)
    {
        byte[] end = [.. prefix];
        end[^1]++;
        return end;
    }

    public CatalogEntry Read(EtcdKeyValue kv) => new(Name(kv.Key), kv.Value, kv.ModRevision, kv.Lease);
}
