using System.Net;
using System.Text.Json;
using Streams.Core;
using Streams.Testing;

namespace Streams.Server.Tests;

public sealed class CursorMoveTests : IAsyncLifetime, IDisposable
{
    private const string Cursors = "/api/v1/cursors?consumer=shop&stream=/fleet";
    private static readonly StreamPath Fleet = StreamPath.Parse("/fleet");
    private static readonly StreamPartition Partition = new(Fleet, new PartitionId(0));
    private static readonly ConsumerName Shop = ConsumerName.Parse("shop");
    private readonly TemporaryDirectory _directory = new();
    private RunningHost _server = null!;

    private Origin Own => _server.Host.Store.Origin;

    public async Task InitializeAsync()
    {
        _server = await RunningHost.StartAsync(RunningHost.OptionsIn(_directory));
        for (int i = 0; i < 5; i++)
        {
            await _server.Host.Store.AppendPlainAsync(Partition, new PlainEvent("t"u8.ToArray(), default, default, "x"u8.ToArray(), 1 + i),
                default);
        }

        await _server.Host.Store.CommitAsync(Shop, Partition, Cursor.Start.With(Own, new Offset(4)), default);
    }

    public Task DisposeAsync() => _server.DisposeAsync().AsTask();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("earliest", 0)]
    [InlineData("latest", 5)]
    [InlineData("2000-01-01", 0)]
    [InlineData("2100-01-01", 5)]
    public async Task R11_a_move_is_a_new_generation_in_every_partition(string to, long offset)
    {
        JsonElement[] cursors = [.. (await PostAsync($"{Cursors}&to={to}", HttpStatusCode.OK)).GetProperty("cursors").EnumerateArray()];

        Assert.Equal(StreamSettings.DefaultPartitions, cursors.Length);
        Assert.All(cursors, c => Assert.Equal((1L, Own.ToString()), (c.GetProperty("generation").GetInt64(), c.GetProperty("rewoundAt")
            .GetString())));
        Assert.Equal(new Generation(1, Own), _server.Host.Store.Cursor(Shop, Partition).Generation);
        Assert.Equal(offset, _server.Host.Store.Cursor(Shop, Partition)[Own].Value);
    }

    [Fact]
    public async Task An_offset_moves_one_lane_and_the_others_stay()
    {
        Origin other = Origin.Parse("ny.0192f3ab4c5d6e7f");
        await _server.Host.Store.CommitAsync(Shop, Partition, Cursor.Start.With(other, new Offset(9)), default);

        await PostAsync($"{Cursors}&to=2&partition=0&origin={Own}", HttpStatusCode.OK);

        Cursor moved = _server.Host.Store.Cursor(Shop, Partition);
        Assert.Equal((1, 2, 9), (moved.Generation.Number, moved[Own].Value, moved[other].Value));
        Assert.Equal(default, _server.Host.Store.Cursor(Shop, new StreamPartition(Fleet, new PartitionId(1))).Generation);
    }

    [Theory]
    [InlineData("&to=sometime", 400, "parameter 'to': 'sometime' must be a time")]
    [InlineData("", 400, "parameter 'to': must be earliest, latest, a time")]
    [InlineData("&to=2", 400, "an offset with 'partition' and 'origin'")]
    [InlineData("&to=2&partition=0&origin=sj.0000000000000001", 400, "is not known here up to offset 2")]
    [InlineData("&to=earliest&partition=77", 404, "partitions, from 0 on")]
    public async Task What_cannot_be_is_refused_and_nothing_moves(string query, int status, string detail)
    {
        JsonElement problem = await PostAsync(Cursors + query, (HttpStatusCode)status);

        Assert.Contains(detail, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal(default, _server.Host.Store.Cursor(Shop, Partition).Generation);
        Assert.Equal(4, _server.Host.Store.Cursor(Shop, Partition)[Own].Value);
    }

    private async Task<JsonElement> PostAsync(string path, HttpStatusCode expected)
    {
        using HttpResponseMessage answer = await _server.SendAsync(path, HttpMethod.Post);
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True(expected == answer.StatusCode, $"{path}: {answer.StatusCode} {text}");
        using JsonDocument document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }
}
