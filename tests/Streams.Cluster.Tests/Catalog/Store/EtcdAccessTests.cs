using System.Net.Http.Json;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging.Abstractions;
using Streams.Core;
using Streams.Testing;

namespace Streams.Cluster.Tests;

/// <summary>Etcd with users, and over TLS.</summary>
public sealed class EtcdAccessTests
{
    private static readonly CatalogTransaction Put = CatalogTransaction.Put("a", "1"u8.ToArray(), 0);

    [Fact]
    public async Task A_user_who_may_use_the_clusters_keys_is_enough_and_tokens_that_run_out_are_renewed()
    {
        await using EtcdServer etcd = await EtcdServer.StartAsync("--auth-token-ttl", "1");
        await EnableUsersAsync(etcd);
        await using EtcdCatalogStore store = EtcdCatalogStore.Open(
            Options(etcd.Endpoint) with { User = "streams", Password = "secret" }, TimeProvider.System, NullLogger.Instance);
        await using WatchLog watch = new(store, "");
        await watch.SeesAsync();
        Assert.True((await store.CommitAsync(Put)).IsDone);
        await watch.SeesAsync("a=1");

        // The watch is made anew, every time with what is left of the token; the next call finds none left.
        await etcd.StopAsync();
        await etcd.StartAgainAsync();
        Assert.True((await store.CommitAsync(new([], [new("a", "2"u8.ToArray())]))).IsDone);
        await watch.SeesAsync("a=2");
    }

    [Fact]
    public async Task Who_may_not_is_told_so()
    {
        await using EtcdServer etcd = await EtcdServer.StartAsync();
        await EnableUsersAsync(etcd);
        foreach ((string? user, string? password, string cluster) in
            new[] { (null, null, "sj"), ("streams", "wrong", "sj"), ("streams", (string?)"secret", "other") })
        {
            EtcdOptions options = Options(etcd.Endpoint) with { User = user, Password = password, Cluster = ClusterName.Parse(cluster) };
            await using EtcdCatalogStore store = EtcdCatalogStore.Open(options, TimeProvider.System, NullLogger.Instance);
            ConfigurationException fault = await Assert.ThrowsAsync<ConfigurationException>(() => store.CommitAsync(Put));
            Assert.Contains($"keys under /streams/{cluster}/", fault.Message, StringComparison.Ordinal);
            await Assert.ThrowsAsync<ConfigurationException>(() => store.GetAsync("a"));
            await using IAsyncEnumerator<CatalogNews> watch = store.WatchAsync("").GetAsyncEnumerator();
            await Assert.ThrowsAsync<ConfigurationException>(async () => await watch.MoveNextAsync());
        }
    }

    [Fact]
    public async Task Over_tls_both_sides_show_certificates_and_strangers_are_not_talked_to()
    {
        using TestAuthority authority = new("etcd", TimeProvider.System);
        using TestAuthority stranger = new("stranger", TimeProvider.System);
        using TemporaryDirectory files = new();
        IssuedCertificate member = authority.Issue("CN=m", CertificateUse.Both);
        await File.WriteAllTextAsync(files.Combine("cert"), member.Certificate);
        await File.WriteAllTextAsync(files.Combine("key"), member.Key);
        await File.WriteAllTextAsync(files.Combine("ca"), authority.Pem);
        await using EtcdServer etcd = await EtcdServer.StartAsync("https", [
            "--cert-file", files.Combine("cert"), "--key-file", files.Combine("key"), "--trusted-ca-file", files.Combine("ca"),
            "--client-cert-auth"]);
        using X509Certificate2 certificate = authority.Issue("CN=n1", CertificateUse.Client).ToCertificate();
        EtcdOptions options = Options(etcd.Endpoint) with { Authorities = [authority.Certificate], ClientCertificate = certificate };

        await using EtcdCatalogStore store = EtcdCatalogStore.Open(options, TimeProvider.System, NullLogger.Instance);
        Assert.True((await store.CommitAsync(Put)).IsDone);
        await using WatchLog watch = new(store, "");
        await watch.SeesAsync("a=1");

        EtcdOptions hasty = options with { CallTimeout = options.AttemptTimeout };
        await RefusedAsync(hasty with { ClientCertificate = null }, etcd.Endpoint.Authority);
        await RefusedAsync(hasty with { Authorities = [stranger.Certificate] }, "SSL");
        await RefusedAsync(hasty with { Authorities = null }, "SSL");
    }

    private static async Task RefusedAsync(EtcdOptions options, string reason)
    {
        await using EtcdCatalogStore store = EtcdCatalogStore.Open(options, TimeProvider.System, NullLogger.Instance);
        TryAgainException fault = await Assert.ThrowsAsync<TryAgainException>(() => store.GetAsync("a"));
        Assert.Contains(reason, fault.Message, StringComparison.Ordinal);
    }

    private static EtcdOptions Options(Uri endpoint) => new()
    {
        Cluster = ClusterName.Parse("sj"),
        Writer = "n1",
        Endpoints = [endpoint],
        AttemptTimeout = TimeSpan.FromSeconds(1),
        CallTimeout = TimeSpan.FromSeconds(20),
        WatchRenewal = TimeSpan.FromMilliseconds(300),
    };

    // As docs/cluster.md tells operators to.
    private static async Task EnableUsersAsync(EtcdServer etcd)
    {
        static string Text(string text) => Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(text));
        using HttpClient client = new();
        foreach ((string path, object body) in new (string, object)[]
        {
            ("user/add", new { name = "root", password = "rootsecret" }),
            ("role/add", new { name = "root" }),
            ("user/grant", new { user = "root", role = "root" }),
            ("user/add", new { name = "streams", password = "secret" }),
            ("role/add", new { name = "streams" }),
            ("role/grant", new
            {
                name = "streams",
                perm = new { permType = "READWRITE", key = Text("/streams/sj/"), range_end = Text("/streams/sj0") },
            }),
            ("user/grant", new { user = "streams", role = "streams" }),
            ("enable", new { }),
        })
        {
            using HttpResponseMessage answer = await client.PostAsJsonAsync(new Uri(etcd.Endpoint, $"v3/auth/{path}"), body);
            answer.EnsureSuccessStatusCode();
        }
    }
}
